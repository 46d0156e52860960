//! A door event, as a security system publishes it.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::fact::EventNumber;

/// An event, and what has become of it.
pub(crate) struct Event {
    pub(crate) door: Rc<str>,
    /// What is offered to the driver.
    pub(crate) text: String,
    /// The host's name for it.
    pub(crate) id: Option<String>,
    /// The header `webhook-id` that its POSTs have, once it is known.
    name: Option<String>,
    /// Members of the body that follow the signature, as JSON.
    members: Map<String, Value>,
    /// When it happened, in seconds since 1970; if it does not say, when it was offered.
    happened_at: Option<u64>,
    is_readable: bool,
    /// When it was offered, in seconds since 1970, by the module's clock.
    pub(crate) offered_at: BTreeSet<u64>,
    /// The store has been told of it.
    pub(crate) is_saved: bool,
    /// It was accepted again, a day later: which of its deliveries an attempt is of cannot be told.
    pub(crate) is_repeated: bool,
    /// Whoever offered it was told that it is accepted.
    pub(crate) is_accepted: bool,
}

/// The ways in which an event can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// With the time as a number of seconds.
    Seconds,
    /// With the time as a number of milliseconds.
    Milliseconds,
    /// With the time as text.
    Text,
    /// Without a time.
    Undated,
    /// So that it cannot be read.
    Unreadable,
}

impl Event {
    /// The event `number`, at `door`, `happened_at` seconds since 1970.
    pub(crate) fn new(
        number: usize,
        door: &str,
        id: Option<String>,
        happened_at: u64,
        writing: Writing,
    ) -> Self {
        let action = ["granted", "denied", "forced_door"][number % 3];
        let mut members = Map::new();
        members.insert("action".to_owned(), action.into());
        members.insert("card_id".to_owned(), format!("card-{number}").into());
        if number.is_multiple_of(2) {
            members.insert("user_name".to_owned(), "Ann \"Ä\" Lee".into());
        }
        let mut published = members.clone();
        published.insert("door_id".to_owned(), door.into());
        match writing {
            Writing::Seconds => published.insert("timestamp".to_owned(), json!(happened_at)),
            Writing::Milliseconds => {
                published.insert("timestamp".to_owned(), json!(happened_at * 1000 + 999))
            }
            Writing::Text => published.insert("timestamp".to_owned(), rfc3339(happened_at).into()),
            Writing::Undated => None,
            Writing::Unreadable => published.insert("timestamp".to_owned(), "yesterday".into()),
        };
        Self {
            door: door.into(),
            text: Value::from(published).to_string(),
            name: id.as_deref().map(name),
            id,
            members,
            happened_at: (writing != Writing::Undated).then_some(happened_at),
            is_readable: writing != Writing::Unreadable,
            offered_at: BTreeSet::new(),
            is_saved: false,
            is_repeated: false,
            is_accepted: false,
        }
    }

    /// What an operator sends under the name `name`, at `now` seconds since 1970.
    pub(crate) fn test(name: &str, now: u64) -> Self {
        let mut event = Self::new(0, "test", Some(name.to_owned()), now, Writing::Seconds);
        event.members.clear();
        event.members.insert("action".to_owned(), "test".into());
        event
    }

    /// The number of the event that showed this card.
    pub(crate) fn number_of(card: &str) -> Option<EventNumber> {
        card.strip_prefix("card-")?.parse().ok().map(EventNumber)
    }

    /// Whether the driver must be able to read it.
    pub(crate) fn is_readable(&self) -> bool {
        self.is_readable
    }

    /// The header `webhook-id` that its POSTs must have, if it is known.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        self.name = Some(name.to_owned());
    }

    /// The times that its body may say, as text.
    pub(crate) fn times(&self) -> Vec<String> {
        match self.happened_at {
            Some(at) => vec![rfc3339(at)],
            None => self.offered_at.iter().map(|at| rfc3339(*at)).collect(),
        }
    }

    /// The body of its POSTs, by design §4.
    pub(crate) fn body(&self, time: &str, signature: Option<&str>) -> String {
        let mut body = format!(r#"{{"door_id":{},"timestamp":"{time}""#, json!(&*self.door));
        if let Some(signature) = signature {
            body += &format!(r#","signature":"{signature}""#);
        }
        for name in ["action", "card_id", "user_name", "user_email"] {
            if let Some(value) = self.members.get(name) {
                body += &format!(r#","{name}":{value}"#);
            }
        }
        body + "}"
    }
}

/// The name that an id becomes: itself, if it has the shape of one.
fn name(id: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=64).contains(&id.len()) && id.bytes().all(is_plain) {
        return id.to_owned();
    }
    hex::encode(Sha256::digest(id))
}

fn rfc3339(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok();
    let time = time.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}
