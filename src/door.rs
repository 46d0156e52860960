//! Doors, and what happens at them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A security system's name for a door: text that is not blank, at most 512 bytes.
///
/// Rhombus keys its cameras by it, so it is passed on as it came. A JSON number is taken as its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DoorId(String);

impl DoorId {
    /// The longest door id, in bytes.
    pub const MAX_BYTES: usize = 512;

    /// Takes `text` as a door id, or says in a few words what is wrong with it.
    pub fn parse(text: impl Into<String>) -> Result<Self, &'static str> {
        let text = text.into();
        if text.trim().is_empty() {
            return Err("is blank");
        }
        if text.len() > Self::MAX_BYTES {
            return Err("is longer than 512 bytes");
        }
        Ok(Self(text))
    }

    /// Takes a JSON value as a door id.
    pub fn from_json(value: &Value) -> Result<Self, &'static str> {
        Self::parse(text_of(value).ok_or("is not text")?)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DoorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DoorId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(text).map_err(D::Error::custom)
    }
}

/// A door, as its security system lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Door {
    /// The security system's name for it.
    pub door_id: DoorId,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What came of asking a security system to unlock a door (PlaceOS: `true`, `false`, `null`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlockOutcome {
    /// The door is open.
    Unlocked,
    /// It is not.
    Refused,
    /// This security system cannot unlock.
    Unsupported,
}

/// What happened at a door.
///
/// PlaceOS knows seven actions; one that it does not know is passed on, never dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Somebody was let in.
    Granted,
    /// Somebody was not.
    Denied,
    /// A device was tampered with.
    Tamper,
    /// Somebody was let in under duress.
    Duress,
    /// The door was forced.
    ForcedDoor,
    /// A breach of security.
    SecurityBreach,
    /// Somebody asked to be let out.
    RequestToExit,
    /// Another one, in lower case, with `_` for all but letters and digits of ASCII.
    Other(String),
}

impl Action {
    const KNOWN: [Self; 7] = [
        Self::Granted,
        Self::Denied,
        Self::Tamper,
        Self::Duress,
        Self::ForcedDoor,
        Self::SecurityBreach,
        Self::RequestToExit,
    ];

    /// Reads an action. Known ones match whatever their case, with or without `_` and `-`
    /// (PlaceOS's own reader does the same for case and `_`).
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.trim().is_empty() {
            return Err("is blank");
        }
        if text.len() > 128 {
            return Err("is longer than 128 bytes");
        }
        let bare = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
        let known = Self::KNOWN
            .into_iter()
            .find(|action| bare(action.as_str()) == bare(text));
        Ok(known.unwrap_or_else(|| {
            let plain = |c: char| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '_'
                }
            };
            Self::Other(text.chars().map(plain).collect())
        }))
    }

    /// The action as subscribers get it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Tamper => "tamper",
            Self::Duress => "duress",
            Self::ForcedDoor => "forced_door",
            Self::SecurityBreach => "security_breach",
            Self::RequestToExit => "request_to_exit",
            Self::Other(text) => text,
        }
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As it was written: it is not read anew, or a `granted_` would become `granted`.
        let text = String::deserialize(deserializer)?;
        let known = Self::KNOWN
            .into_iter()
            .find(|action| action.as_str() == text);
        Ok(known.unwrap_or(Self::Other(text)))
    }
}

/// When something happened: UTC, whole seconds, from 1970 to the end of 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EventTime(i64);

impl EventTime {
    /// The last second of the year 9999, the last that RFC 3339 can write.
    const LAST: i64 = 253_402_300_799;
    /// From here on a number counts milliseconds: 1973 in those, the year 5138 in seconds.
    const MILLISECONDS_FROM: f64 = 1e11;

    /// The second that `now`, in milliseconds since 1970, is in.
    pub fn from_millis(now: u64) -> Self {
        let seconds = i64::try_from(now / 1000).unwrap_or(Self::LAST);
        Self(seconds.min(Self::LAST))
    }

    /// Its beginning, in milliseconds since 1970.
    pub fn millis(self) -> u64 {
        // What was parsed is not negative.
        u64::try_from(self.0)
            .unwrap_or_default()
            .saturating_mul(1000)
    }

    /// Reads a number or a numeric text, of seconds or from 10¹¹ on of milliseconds, fractions
    /// cut; or RFC 3339.
    pub fn from_json(value: &Value) -> Result<Self, &'static str> {
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => match text.trim().parse::<f64>() {
                Ok(number) => Some(number),
                Err(_) => return Self::from_rfc3339(text.trim()),
            },
            _ => None,
        };
        let number = number.ok_or("is neither a number nor text")?;
        let seconds = if number < Self::MILLISECONDS_FROM {
            number
        } else {
            number / 1000.0
        };
        // `contains` is false for a NaN, and what is in the range fits an i64.
        if !(0.0..Self::LAST as f64 + 1.0).contains(&seconds) {
            return Err("is out of range");
        }
        Ok(Self(seconds as i64))
    }

    fn from_rfc3339(text: &str) -> Result<Self, &'static str> {
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "is not a time")?;
        Self::from_seconds(time.unix_timestamp())
    }

    fn from_seconds(seconds: i64) -> Result<Self, &'static str> {
        let is_in_range = (0..=Self::LAST).contains(&seconds);
        is_in_range
            .then_some(Self(seconds))
            .ok_or("is out of range")
    }
}

impl<'de> Deserialize<'de> for EventTime {
    /// A record of the store may hold anything, and what is out of range cannot be written.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_seconds(i64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl fmt::Display for EventTime {
    /// RFC 3339, UTC, whole seconds, `Z`: the text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp(self.0).map_err(|_| fmt::Error)?;
        f.write_str(&time.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

/// Something that happened at a door, as far as subscribers are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct DoorEvent {
    /// Which door.
    pub door_id: DoorId,
    /// When.
    pub timestamp: EventTime,
    /// What.
    pub action: Action,
    /// The card that was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_id: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Their mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_email: Option<String>,
}

impl DoorEvent {
    /// The largest event, in bytes of JSON. Security systems send a few hundred.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Reads an event as security systems publish it. One without a timestamp happened `now`
    /// (milliseconds since 1970). The error is a sentence for whoever sent it.
    pub fn parse(json: &str, now: u64) -> Result<Self, String> {
        if json.len() > Self::MAX_BYTES {
            return Err("the event is larger than 16 KiB".to_owned());
        }
        let value: Value = serde_json::from_str(json)
            .map_err(|error| format!("the event is not JSON: {error}"))?;
        let Value::Object(event) = value else {
            return Err("the event is not a JSON object".to_owned());
        };
        let given = |name: &str| event.get(name).filter(|value| !value.is_null());
        let required = |name: &str| given(name).ok_or_else(|| format!("the event has no {name}"));
        let wrong = |name: &'static str| move |why: &str| format!("the event's {name} {why}");
        let text = |name: &'static str| match given(name) {
            None => Ok(None),
            Some(value) => text_of(value)
                .map(Some)
                .ok_or("is not text")
                .map_err(wrong(name)),
        };

        Ok(Self {
            door_id: DoorId::from_json(required("door_id")?).map_err(wrong("door_id"))?,
            timestamp: match given("timestamp") {
                Some(value) => EventTime::from_json(value).map_err(wrong("timestamp"))?,
                None => EventTime::from_millis(now),
            },
            action: match required("action")? {
                Value::String(text) => Action::parse(text).map_err(wrong("action"))?,
                _ => return Err("the event's action is not text".to_owned()),
            },
            card_id: text("card_id")?,
            user_name: text("user_name")?,
            user_email: text("user_email")?,
        })
    }
}

/// Text, or a number as its text: security systems number their doors and cards.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
