//! `deliveries`: what is pending, what was given up, and what could not be read.

use serde_json::{Map, Value, json};

use crate::driver::Driver;
use crate::host::Host;
use crate::record;

use super::CallError;
use super::arguments::Arguments;
use super::selection::{Filter, Kind};

/// How many are listed at most, and unless told.
const MOST: u32 = 500;
const USUAL: u32 = 100;
/// What of an event that could not be read is shown, in bytes.
const RAW: usize = 1024;
/// How much of the store is read for one answer; the rest follows `next`.
const PAGES: usize = 100;

impl<H: Host + 'static> Driver<H> {
    /// Lists deliveries, oldest first: `{"deliveries": […], "next": text or null}`. `after` is the
    /// `next` of the call before.
    pub(super) async fn deliveries(&self, mut arguments: Arguments) -> Result<String, CallError> {
        let kind = Kind::of(&mut arguments)?.unwrap_or(Kind::Pending);
        let filter = Filter::of(&mut arguments)?;
        let mut after = arguments.text("after")?;
        let limit = arguments.count("limit", MOST)?.unwrap_or(USUAL);
        arguments.end()?;
        let prefix = kind.prefix_of(&filter);
        let mut listed = Vec::new();
        for _ in 0..PAGES {
            let page = self.0.host.scan(&prefix, after.as_deref(), limit).await;
            let page = page.map_err(|error| CallError::Failed(error.0))?;
            if page.is_empty() {
                after = None;
                break;
            }
            for (name, value) in page {
                listed.extend(entry(&filter, &name, &value));
                after = Some(name);
                if listed.len() == limit as usize {
                    break;
                }
            }
            if listed.len() == limit as usize {
                break;
            }
        }
        Ok(json!({ "deliveries": listed, "next": after }).to_string())
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
