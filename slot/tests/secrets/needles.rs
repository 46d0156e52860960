//! What is looked for: each secret, whole and in part, in every form that a program writes text in.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// A piece of so many characters of a longer secret is as bad as all of it.
const PIECE: usize = 12;
/// Where a text of the output is looked up: no needle is shorter.
const HEAD: usize = 6;

/// What of a path is escaped in a URL.
const IN_A_PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');

/// Secrets that no output may have.
#[derive(Default)]
pub(crate) struct Needles {
    secrets: BTreeSet<String>,
    /// All forms of all pieces, by their first bytes, with the secret that each is of.
    forms: HashMap<[u8; HEAD], Vec<(Vec<u8>, String)>>,
}

impl Needles {
    /// Takes a secret in: a token, a password, the path of a webhook.
    ///
    /// # Panics
    ///
    /// It is too short to be told from what is there by chance.
    pub(crate) fn add(&mut self, secret: &str) {
        assert!(secret.len() >= HEAD, "too short: {secret}");
        if !self.secrets.insert(secret.to_owned()) {
            return;
        }
        for piece in pieces(secret) {
            for form in forms(&piece) {
                let head = form.first_chunk().unwrap();
                let known = self.forms.entry(*head).or_default();
                if known.iter().all(|(other, _)| *other != form) {
                    known.push((form, secret.to_owned()));
                }
            }
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.secrets.len()
    }

    /// The first that is in `output`, with what is around it.
    pub(crate) fn find(&self, output: &[u8]) -> Option<String> {
        for (at, head) in output.windows(HEAD).enumerate() {
            let Some(forms) = self.forms.get(head) else {
                continue;
            };
            if let Some((_, secret)) = forms
                .iter()
                .find(|(form, _)| output[at..].starts_with(form))
            {
                let around = at.saturating_sub(300)..output.len().min(at + 300);
                let around = String::from_utf8_lossy(&output[around]);
                return Some(format!("{secret:?} shows in: {around}"));
            }
        }
        None
    }
}

/// The secret itself, or all its parts of [`PIECE`] characters.
fn pieces(secret: &str) -> BTreeSet<String> {
    let characters: Vec<char> = secret.chars().collect();
    if characters.len() <= PIECE {
        return BTreeSet::from([secret.to_owned()]);
    }
    characters
        .windows(PIECE)
        .map(|piece| piece.iter().collect())
        .collect()
}

/// A text as it is, and as JSON, Rust, URLs, hexadecimal, Base64 and lists of numbers have it.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let json = serde_json::to_string(text).unwrap();
    let json = json.trim_matches('"').to_owned();
    let mut ascii_json = String::new();
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => ascii_json.push(byte.into()),
            _ => write!(ascii_json, "\\u{unit:04x}").unwrap(),
        }
    }
    let list: Vec<_> = bytes.iter().map(u8::to_string).collect();
    let mut forms = vec![
        text.to_owned(),
        json.replace('\\', "\\\\"),
        json,
        ascii_json,
        text.escape_debug().to_string(),
        text.escape_default().to_string(),
        bytes.escape_ascii().to_string(),
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
        utf8_percent_encode(text, IN_A_PATH).to_string(),
        hex::encode(bytes),
        hex::encode_upper(bytes),
        list.join(", "),
        list.join(","),
    ];
    for before in 0..3 {
        // Base64 of a text depends on where in the whole it stands; what depends on its neighbours
        // too is left out.
        let shifted = [&[0; 3][..before], bytes].concat();
        let whole = shifted.len() / 3 * 4;
        let own = [0, 2, 3][before]..whole;
        for encoded in [
            BASE64_STANDARD.encode(&shifted),
            BASE64_URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            forms.push(encoded[own.clone()].to_owned());
        }
    }
    let forms = forms.into_iter().map(String::into_bytes);
    forms.filter(|form| form.len() >= HEAD).collect()
}

/// The search finds what it is to find, and nothing else.
pub(crate) fn they_are_found_in_every_form() {
    const SECRET: &str = "vK7-planted/näedle+of 30 chars";
    let mut needles = Needles::default();
    needles.add(SECRET);
    needles.add("short7");
    needles.add("whsec_c2VjcmV0IGtleSBieXRlcyE=");
    assert_eq!(needles.count(), 3);

    let quoted = format!("{:?}", format!("{{{:?}}}", SECRET));
    let part: String = SECRET.chars().skip(9).take(PIECE).collect();
    for shown in [
        SECRET.to_owned(),
        part,
        "short7".to_owned(),
        "c2VjcmV0IGtleS".to_owned(),
        serde_json::to_string(SECRET).unwrap(),
        r"planted/n\u00e4edle+of".to_owned(),
        quoted,
        format!("{:?}", SECRET.as_bytes()),
        format!("{:?}", bytes::Bytes::from_static(SECRET.as_bytes())),
        utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(),
        url::Url::parse("https://a.example/")
            .unwrap()
            .join(&SECRET[3..])
            .unwrap()
            .to_string(),
        hex::encode(SECRET),
        hex::encode_upper(SECRET),
        BASE64_STANDARD.encode(SECRET),
        BASE64_STANDARD.encode(format!("a{SECRET}")),
        BASE64_URL_SAFE_NO_PAD.encode(format!("ab{SECRET}cd")),
    ] {
        let output = format!("some output {shown} and more");
        let found = needles.find(output.as_bytes());
        assert!(found.is_some(), "not found: {shown}");
    }
    for harmless in [
        "",
        "short",
        "vK7-planted",
        "some output that says nothing in particular",
    ] {
        assert_eq!(needles.find(harmless.as_bytes()), None);
    }
}
