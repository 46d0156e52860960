//! The stream of bytes that core sends to a driver's process.
//!
//! `{"messages": [object or text], "cuts"?: [sizes], "tail"?: hexadecimal}`: each message in a frame of its
//! own, then the tail as it is. An input that is no document is the stream.

use std::io::{self, Read};

use placeos_wire::exec::{Call, ExecError};
use placeos_wire::frame::{self, FrameError, LIMIT};
use placeos_wire::{Command, Manifest, Message, Model};
use serde_json::{Map, Value};

use crate::document::{CANARY, Document};

/// Memory that a reader may take before anything has come, in bytes.
const BEFOREHAND: usize = 64 << 10;

/// The same frames come whatever pieces the stream comes in, in memory of its own size; and what is in
/// them is read, or refused without being quoted.
pub fn run(data: &[u8]) {
    let input = Document::parse(data);
    let stream = input.as_ref().map_or_else(|| data.to_vec(), stream);
    let cuts: Vec<usize> = input.as_ref().map_or_else(
        || data.iter().map(|byte| usize::from(*byte)).collect(),
        |input| {
            let cuts = input.list("cuts", 64).iter().filter_map(Value::as_u64);
            cuts.map(|cut| usize::try_from(cut % 4096).unwrap_or_default())
                .collect()
        },
    );
    let whole = read(&stream, &[stream.len()]);
    assert_eq!(
        whole,
        read(&stream, &[1]),
        "byte by byte it is another stream"
    );
    assert_eq!(
        whole,
        read(&stream, &cuts),
        "cut otherwise it is another stream"
    );
    for json in &whole.0 {
        if let Ok(message) = serde_json::from_slice::<Message>(json) {
            check(message);
        }
    }
}

fn stream(input: &Document) -> Vec<u8> {
    let mut stream = Vec::new();
    for message in input.list("messages", 16) {
        let json = rhombus_replay::text(message);
        let length = i32::try_from(json.len()).unwrap_or(i32::MAX);
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(json.as_bytes());
    }
    let tail = input.str("tail").and_then(|tail| hex::decode(tail).ok());
    stream.extend(tail.unwrap_or_default());
    stream
}

/// The frames of a stream that comes in pieces of these sizes, again and again, and how it ends.
fn read(bytes: &[u8], cuts: &[usize]) -> (Vec<Vec<u8>>, End) {
    let mut stream = Pieces {
        bytes,
        cuts: cuts.iter().copied().cycle(),
        has_interrupted: false,
        given: 0,
    };
    let mut frames = Vec::new();
    loop {
        match frame::read(&mut stream) {
            Ok(Some(json)) => {
                assert!(json.len() <= LIMIT);
                assert!(json.capacity() <= BEFOREHAND.max(2 * bytes.len()), "memory");
                frames.push(json);
            }
            Ok(None) => return (frames, End::Clean),
            Err(FrameError::Io(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                return (frames, End::Inside);
            }
            Err(FrameError::Length(length)) => {
                assert!(usize::try_from(length).map_or(true, |length| length > LIMIT));
                return (frames, End::Length(length));
            }
        }
    }
}

/// How a stream ends.
#[derive(Debug, PartialEq)]
enum End {
    /// After a frame.
    Clean,
    /// In the middle of one.
    Inside,
    /// With a length that no frame has.
    Length(i32),
}

/// Gives bytes in pieces. Before each it is interrupted, as a system call may be.
struct Pieces<'a, C> {
    bytes: &'a [u8],
    cuts: C,
    has_interrupted: bool,
    given: usize,
}

impl<C: Iterator<Item = usize>> Read for Pieces<'_, C> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Memory is taken as the bytes come, not as they are announced.
        assert!(
            into.len() <= BEFOREHAND.max(2 * self.given),
            "memory for what has not come"
        );
        self.has_interrupted = !self.has_interrupted;
        if self.has_interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = self.cuts.next().unwrap_or(1).max(1).min(into.len());
        let length = self.bytes.read(&mut into[..length])?;
        self.given += length;
        Ok(length)
    }
}

/// A message can be written again, and what it carries is read.
fn check(message: Message) {
    if message.cmd != Command::Unknown {
        let json = match serde_json::to_vec(&message) {
            Ok(json) => json,
            Err(error) => panic!("a message cannot be written: {error}"),
        };
        let frame = frame::enclose(&json);
        let inside = frame
            .strip_prefix(b"\0\x02")
            .and_then(|rest| rest.strip_suffix(b"\0\x03"));
        assert_eq!(inside, Some(&json[..]));
        assert!(
            !json.contains(&0),
            "JSON with a NUL could be taken for a mark"
        );
        assert!(serde_json::from_slice::<Message>(&json).is_ok_and(|again| again == message));
    }
    let payload = message.payload.as_deref().unwrap_or_default();
    assert!(!format!("{message:?}").contains(CANARY) || message.id.contains(CANARY));
    match message.cmd {
        Command::Exec => check_call(payload),
        Command::Start | Command::Update => check_model(payload),
        _ => {}
    }
}

fn check_call(payload: &str) {
    let manifest = Manifest::embedded();
    match Call::parse(payload, &manifest) {
        Ok(Call::Request(webhook)) => {
            assert!(!webhook.method.bytes().any(|byte| byte.is_ascii_lowercase()));
        }
        Ok(Call::Function { name, arguments }) => {
            let Some(function) = manifest.functions.get(&name) else {
                panic!("a call of a function that is not there: {name}");
            };
            let Ok(arguments) = serde_json::from_str::<Map<String, Value>>(&arguments) else {
                panic!("arguments that are no JSON object");
            };
            let parameters = function.parameters.iter().map(|parameter| &parameter.name);
            assert_eq!(arguments.len(), function.parameters.len());
            assert!(
                parameters
                    .into_iter()
                    .all(|name| arguments.contains_key(name))
            );
        }
        Err(error) => {
            let text = error.to_string();
            // What is plainly a name may be told.
            let tells_name = matches!(error, ExecError::Missing(_) | ExecError::Unknown { .. });
            assert!(tells_name || !text.contains(CANARY), "{text}");
            assert!(!error.class().is_empty());
        }
    }
}

fn check_model(payload: &str) {
    if let Ok(model) = Model::parse(payload) {
        assert!(serde_json::from_str::<Value>(&model.settings).is_ok());
        let is_object = serde_json::from_str::<Map<String, Value>>(&model.settings);
        let says_something = is_object.is_ok_and(|settings| !settings.is_empty());
        assert_eq!(model.slot_settings().is_some(), says_something);
    }
}
