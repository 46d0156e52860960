//! What a function was called with.

use serde_json::{Map, Value};

use super::CallError;

/// The arguments that are still to be read, by name.
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

    /// The text `name`, which must be there.
    pub(super) fn text(&mut self, name: &str) -> Result<String, CallError> {
        self.optional_text(name)?
            .ok_or_else(|| CallError::Invalid(format!("{name} is missing")))
    }

    /// The text `name`; `null` is none.
    pub(super) fn optional_text(&mut self, name: &str) -> Result<Option<String>, CallError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(CallError::Invalid(format!("{name} is not text"))),
        }
    }

    /// All have been read: one that is left is none of this function's.
    pub(super) fn end(self) -> Result<(), CallError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(CallError::Invalid(format!("there is no argument {name}"))),
        }
    }
}
