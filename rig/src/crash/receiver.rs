//! Receivers, each with a fault of its own until it is healed.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::wire::{Port, Post};

/// How often a receiver that misbehaves at random does so with one event. More would put the event's
/// next attempt off by minutes, which a run would wait for.
const MISBEHAVES: u32 = 2;

/// What a receiver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Answers 200.
    Healthy,
    /// Answers 500, at random.
    Fails,
    /// Resets the connection, at random.
    Resets,
    /// Answers half a response and closes the connection, at random.
    AnswersHalf,
    /// Answers after seconds.
    IsSlow,
    /// Never answers.
    Hangs,
    /// Takes no connections for stretches, and cuts off those it has.
    ComesAndGoes,
}

impl Manner {
    pub(super) const ALL: [Self; 7] = [
        Self::Healthy,
        Self::Fails,
        Self::Resets,
        Self::AnswersHalf,
        Self::IsSlow,
        Self::Hangs,
        Self::ComesAndGoes,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Fails => "fails",
            Self::Resets => "resets",
            Self::AnswersHalf => "answers half",
            Self::IsSlow => "is slow",
            Self::Hangs => "hangs",
            Self::ComesAndGoes => "comes and goes",
        }
    }
}

/// A receiver that takes POSTs until the end of the run.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) origin: String,
    is_healed: watch::Sender<bool>,
}

impl Receiver {
    pub(super) fn start(manner: Manner, inbox: Arc<Inbox>, rng: Rng) -> Self {
        let port = Port::new();
        let origin = format!("http://{}", port.address());
        let is_healed = watch::Sender::new(false);
        let behaviour = Behaviour {
            manner,
            origin: origin.clone(),
            inbox,
            rng: Mutex::new(rng),
            is_healed: is_healed.subscribe(),
        };
        tokio::spawn(Arc::new(behaviour).serve(port));
        Self { origin, is_healed }
    }

    /// From now on it answers 200 at once. What hangs is cut off.
    pub(super) fn heal(&self) {
        self.is_healed.send_replace(true);
    }
}

/// What all receivers have got.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// By URL, then by the id that its sender gave the event as `card_id`.
    pub(super) events: Mutex<BTreeMap<String, BTreeMap<String, Got>>>,
    /// The `webhook-id` of each event: the same at all receivers, in all attempts.
    ids: Mutex<BTreeMap<String, String>>,
    faults: Mutex<Vec<String>>,
}

/// An event at a receiver.
#[derive(Debug)]
pub(super) struct Got {
    body: String,
    /// How often it came.
    pub(super) attempts: u32,
    /// How often it was taken, that is, answered with 200.
    pub(super) received: u32,
}

impl Inbox {
    /// The `webhook-id` of each event.
    pub(super) fn ids(&self) -> BTreeMap<String, String> {
        self.ids.lock().unwrap().clone()
    }

    /// What is wrong with what came.
    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap().clone()
    }

    /// Takes a POST in; `decide` is told how often this event has come, and decides whether it is
    /// received now.
    fn take<T>(&self, url: String, post: Post, decide: impl FnOnce(u32) -> (bool, T)) -> T {
        let Post { id, body, .. } = post;
        let event = self.check(&url, id, &body);
        let mut events = self.events.lock().unwrap();
        let got = events
            .entry(url)
            .or_default()
            .entry(event)
            .or_insert_with(|| Got {
                body,
                attempts: 0,
                received: 0,
            });
        got.attempts += 1;
        let (is_received, answer) = decide(got.attempts);
        got.received += u32::from(is_received);
        answer
    }

    /// Which event it is. All its attempts must have the same `webhook-id`, and the same body.
    fn check(&self, url: &str, id: String, body: &str) -> String {
        let event: Value = serde_json::from_str(body).unwrap_or_default();
        let event = event["card_id"].as_str().unwrap_or_default().to_owned();
        let mut faults = self.faults.lock().unwrap();
        let mut ids = self.ids.lock().unwrap();
        let known = ids.entry(event.clone()).or_insert_with(|| id.clone());
        if *known != id {
            faults.push(format!(
                "{url} got {event} as {id}, which was {known} before"
            ));
        }
        let events = self.events.lock().unwrap();
        let before = events.get(url).and_then(|events| events.get(&event));
        if let Some(before) = before.filter(|before| before.body != body) {
            faults.push(format!(
                "{url} got {event} as {} and then as {body}",
                before.body
            ));
        }
        event
    }
}

enum Answer {
    Status(&'static str),
    Reset,
    Half,
    After(Duration),
    Never,
}

struct Behaviour {
    manner: Manner,
    origin: String,
    inbox: Arc<Inbox>,
    rng: Mutex<Rng>,
    is_healed: watch::Receiver<bool>,
}

impl Behaviour {
    async fn serve(self: Arc<Self>, port: Port) {
        loop {
            tokio::select! {
                () = self.clone().accept(port.listen()) => {}
                () = self.while_up() => {}
            }
            self.while_down().await;
        }
    }

    /// Serves connections. They are cut off when this is dropped.
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted.unwrap();
                    let converse = self.clone().converse(BufReader::new(stream));
                    connections.spawn(converse);
                }
                // The other side may break off as well: it is killed again and again.
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn while_up(&self) {
        if self.manner == Manner::ComesAndGoes {
            tokio::select! {
                () = self.some_seconds() => return,
                () = self.healed() => {}
            }
        }
        pending().await
    }

    async fn while_down(&self) {
        tokio::select! {
            () = self.some_seconds() => {}
            () = self.healed() => {}
        }
    }

    async fn some_seconds(&self) {
        let time = self.rng.lock().unwrap().u64(500..3_000);
        tokio::time::sleep(Duration::from_millis(time)).await;
    }

    async fn healed(&self) {
        self.is_healed.clone().wait_for(|is| *is).await.unwrap();
    }

    async fn converse(self: Arc<Self>, mut stream: BufReader<TcpStream>) -> io::Result<()> {
        while let Some(post) = Post::read(&mut stream).await? {
            let url = format!("{}{}", self.origin, post.path);
            let answer = self.inbox.take(url, post, |attempts| {
                let answer = self.answer(attempts);
                let is_received = matches!(answer, Answer::Status("200 OK") | Answer::After(_));
                (is_received, answer)
            });
            let status = match answer {
                Answer::Status(status) => status,
                Answer::After(time) => {
                    tokio::time::sleep(time).await;
                    "200 OK"
                }
                Answer::Reset => return stream.get_ref().set_zero_linger(),
                Answer::Half => {
                    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
                    return stream.write_all(half).await;
                }
                Answer::Never => {
                    self.healed().await;
                    return Ok(());
                }
            };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
        }
        Ok(())
    }

    /// What the receiver does when an event comes for the `attempt`th time.
    fn answer(&self, attempt: u32) -> Answer {
        const OK: Answer = Answer::Status("200 OK");
        if *self.is_healed.borrow() {
            return OK;
        }
        let mut rng = self.rng.lock().unwrap();
        let misbehaves = attempt <= MISBEHAVES && rng.u8(..5) < 2;
        match self.manner {
            Manner::Fails if misbehaves => Answer::Status("500 Internal Server Error"),
            Manner::Resets if misbehaves => Answer::Reset,
            Manner::AnswersHalf if misbehaves => Answer::Half,
            Manner::IsSlow => Answer::After(Duration::from_millis(rng.u64(500..3_000))),
            Manner::Hangs => Answer::Never,
            _ => OK,
        }
    }
}
