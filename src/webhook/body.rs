//! Request bodies: JSON objects. What is wrong with one is told in a sentence, as a 400.

use serde_json::{Map, Value};

use crate::door::DoorId;
use crate::subscription::{Secret, SubscriberUrl};

use super::Response;

/// A request's body. Members that the webhook does not know are ignored.
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Response> {
        if body.is_empty() {
            return Err(malformed("the request has no body"));
        }
        let body = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
        match serde_json::from_str(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(malformed("the body is not a JSON object")),
            Err(error) => Err(malformed(&format!(
                "the body is not JSON: line {}, column {}",
                error.line(),
                error.column()
            ))),
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
