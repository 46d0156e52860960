//! Request bodies: JSON objects. What is wrong with one is told in a sentence, as a 400.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::door::DoorId;
use crate::subscription::{Secret, SubscriberUrl};

use super::Response;

/// The members that the webhook knows.
const MEMBERS: [&str; 3] = ["webhook", "secret", "door_id"];

/// A request's body. Members that the webhook does not know are ignored.
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Response> {
        if body.is_empty() {
            return Err(malformed("the request has no body"));
        }
        let body = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
        let members: Members =
            serde_json::from_str(body).map_err(|error| match error.classify() {
                Category::Data => malformed("the body is not a JSON object"),
                _ => malformed(&format!(
                    "the body is not JSON: line {}, column {}",
                    error.line(),
                    error.column()
                )),
            })?;
        match members.repeated {
            // Which of two counts is a matter on which parsers differ. A name that nobody asked for is
            // not told: it may be anything, a secret too.
            Some(name) if MEMBERS.contains(&name.as_str()) => {
                Err(malformed(&format!("the body has {name} twice")))
            }
            Some(_) => Err(malformed("the body has a member twice")),
            None => Ok(Self(members.values)),
        }
    }

    pub(super) fn webhook(&self) -> Result<SubscriberUrl, Response> {
        match self.required("webhook")? {
            Value::String(text) => {
                SubscriberUrl::parse(text).map_err(|why| malformed(&format!("the webhook {why}")))
            }
            _ => Err(malformed("the webhook is not text")),
        }
    }

    pub(super) fn secret(&self) -> Result<Option<Secret>, Response> {
        Secret::from_json(self.0.get("secret"))
            .map_err(|why| malformed(&format!("the secret {why}")))
    }

    pub(super) fn door_id(&self) -> Result<DoorId, Response> {
        DoorId::from_json(self.required("door_id")?)
            .map_err(|why| malformed(&format!("the door_id {why}")))
    }

    fn required(&self, name: &str) -> Result<&Value, Response> {
        let value = self.0.get(name).filter(|value| !value.is_null());
        value.ok_or_else(|| malformed(&format!("the body has no {name}")))
    }
}

fn malformed(sentence: &str) -> Response {
    Response::error(400, sentence)
}

/// A JSON object, and the first of its names that is there twice.
struct Members {
    values: Map<String, Value>,
    repeated: Option<String>,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
        let mut members = Members {
            values: Map::new(),
            repeated: None,
        };
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            if members.values.insert(name.clone(), value).is_some() {
                members.repeated.get_or_insert(name);
            }
        }
        Ok(members)
    }
}
