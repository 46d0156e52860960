//! `deliveries`: what is pending, what was given up, and what could not be read.

use serde_json::{Map, Value};

use crate::driver::Driver;
use crate::host::Host;
use crate::record;

use super::CallError;
use super::arguments::Arguments;
use super::listing::Range;
use super::selection::{Filter, Kind};

/// What of an event that could not be read is shown, in bytes.
const RAW: usize = 1024;

impl<H: Host + 'static> Driver<H> {
    /// Lists deliveries, oldest first: `{"deliveries": […], "next": text or null}`. `after` is the
    /// `next` of the call before.
    pub(super) async fn deliveries(&self, mut arguments: Arguments) -> Result<String, CallError> {
        let kind = Kind::of(&mut arguments)?.unwrap_or(Kind::Pending);
        let filter = Filter::of(&mut arguments)?;
        let range = Range::of(&mut arguments)?;
        arguments.end()?;
        let entry = |name: &str, value: &[u8]| entry(&filter, name, value);
        self.list("deliveries", &kind.prefix_of(&filter), range, entry)
            .await
    }
}

/// What is shown of a record, if it matches.
fn entry(filter: &Filter, name: &str, value: &[u8]) -> Option<Value> {
    let record: Value = serde_json::from_slice(value).ok()?;
    if !filter.matches(name, &record) {
        return None;
    }
    let mut shown = Map::new();
    shown.insert("id".to_owned(), name.into());
    if let Some(id) = record::subscriber_of(name).filter(|_| record.get("event").is_some()) {
        shown.insert("subscription".to_owned(), id.to_string().into());
    }
    let mut show = |from: &Value, names: &[&str]| {
        for name in names {
            if let Some(value) = from.get(*name).filter(|value| !value.is_null()) {
                shown.insert((*name).to_owned(), value.clone());
            }
        }
    };
    show(&record, &["subscription", "event_id"]);
    if let Some(event) = record.get("event") {
        show(event, &["door_id", "action", "timestamp"]);
    }
    show(&record, &["attempts", "reason", "at"]);
    if let Some(raw) = record.get("raw").and_then(Value::as_str) {
        let raw = &raw[..raw.floor_char_boundary(RAW)];
        shown.insert("raw".to_owned(), raw.into());
    }
    Some(shown.into())
}
