//! What a function was called with.

use serde_json::{Map, Value};

use crate::door::{DoorId, EventTime};
use crate::key::Key;
use crate::subscription::SubscriptionId;

use super::CallError;

/// The arguments that are still to be read, by name. `null` is the same as none.
pub(super) struct Arguments(Map<String, Value>);

impl Arguments {
    /// Reads a JSON object.
    pub(super) fn parse(text: &str) -> Result<Self, CallError> {
        match serde_json::from_str(text) {
            Ok(Value::Object(arguments)) => Ok(Self(arguments)),
            _ => Err(CallError::Invalid(
                "the arguments are not a JSON object".to_owned(),
            )),
        }
    }

    /// An argument that must be there.
    pub(super) fn required<T>(name: &str, value: Option<T>) -> Result<T, CallError> {
        value.ok_or_else(|| CallError::Invalid(format!("{name} is missing")))
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, CallError> {
        self.read(name, "text", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// A whole number from 1 to `most`.
    pub(super) fn count(&mut self, name: &str, most: u32) -> Result<Option<u32>, CallError> {
        self.read(name, &format!("a whole number from 1 to {most}"), |value| {
            let count = u32::try_from(value.as_u64()?).ok()?;
            (1..=most).contains(&count).then_some(count)
        })
    }

    /// Seconds or milliseconds since 1970, or RFC 3339.
    pub(super) fn time(&mut self, name: &str) -> Result<Option<EventTime>, CallError> {
        self.read(name, "a time", |value| EventTime::from_json(&value).ok())
    }

    /// A door.
    pub(super) fn door(&mut self, name: &str) -> Result<Option<DoorId>, CallError> {
        self.read(name, "the id of a door", |value| {
            DoorId::from_json(&value).ok()
        })
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, CallError> {
        self.read(name, "a list of texts", |value| match value {
            Value::Array(values) => values
                .into_iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        })
    }

    /// The id of a subscription, as the status key `subscriptions` has it.
    pub(super) fn subscription(&mut self) -> Result<Option<SubscriptionId>, CallError> {
        self.read("subscription", "the id of one", |value| {
            Key::parse(value.as_str()?).map(SubscriptionId)
        })
    }

    /// All have been read: one that is left is none of this function's.
    pub(super) fn end(self) -> Result<(), CallError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) if is_plain(name) => {
                Err(CallError::Invalid(format!("there is no argument {name}")))
            }
            Some(_) => Err(CallError::Invalid(
                "there is an argument of a name that none has".to_owned(),
            )),
        }
    }

    fn read<T>(
        &mut self,
        name: &str,
        kind: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, CallError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(CallError::Invalid(format!("{name} is not {kind}"))),
            },
        }
    }
}

/// Whether a name may be told: what stands where a name belongs may be a secret that went astray.
fn is_plain(name: &str) -> bool {
    name.len() <= 32
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
