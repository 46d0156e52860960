//! Inputs that are JSON documents.

use serde_json::{Map, Value};

/// What no answer may show: it stands in the secrets and paths of the corpus, and mutations spread it.
pub(crate) const CANARY: &str = "c4n4ry7b31";

/// An input that is a JSON object. What it says is read leniently, so that a mutation that spoils one
/// member leaves the others worth something.
pub(crate) struct Document(Map<String, Value>);

impl Document {
    /// `None` if `data` is something else.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        serde_json::from_slice(data).ok().map(Self)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Text as it is, anything else as compact JSON.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(rhombus_replay::text)
    }

    /// The first `most` items of a list.
    pub(crate) fn list(&self, name: &str, most: usize) -> &[Value] {
        let list = self.get(name).and_then(Value::as_array);
        let list = list.map_or(&[][..], Vec::as_slice);
        &list[..list.len().min(most)]
    }

    /// Text that may be absent.
    pub(crate) fn str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }
}
