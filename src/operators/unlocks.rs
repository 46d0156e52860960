//! `unlocks`: who asked for which door, and what came of it.

use serde_json::{Map, Value, json};

use crate::door::{DoorId, EventTime};
use crate::driver::Driver;
use crate::host::Host;
use crate::key::Key;
use crate::record;

use super::CallError;
use super::arguments::Arguments;

/// How many are listed at most, and unless told.
const MOST: u32 = 500;
const USUAL: u32 = 100;
/// How much of the store is read for one answer; the rest follows `next`.
const PAGES: usize = 100;

impl<H: Host + 'static> Driver<H> {
    /// Lists attempts to unlock a door, oldest first: `{"unlocks": […], "next": text or null}`.
    /// `after` is the `next` of the call before.
    pub(super) async fn unlocks(&self, mut arguments: Arguments) -> Result<String, CallError> {
        let wanted = Wanted {
            door: arguments.door("door_id")?,
            from: arguments.time("from")?,
            to: arguments.time("to")?,
        };
        let after = arguments.text("after")?;
        let limit = arguments.count("limit", MOST)?.unwrap_or(USUAL);
        arguments.end()?;
        let mut after = after.or_else(|| wanted.begin());
        let mut listed = Vec::new();
        'pages: for _ in 0..PAGES {
            let page = self.0.host.scan(record::UNLOCKS, after.as_deref(), limit);
            let page = page.await.map_err(|error| CallError::Failed(error.0))?;
            if page.is_empty() {
                after = None;
                break;
            }
            for (name, value) in page {
                match serde_json::from_slice(&value) {
                    Ok(Value::Object(unlock)) if wanted.is(&unlock) => {
                        listed.push(shown(&name, unlock));
                    }
                    Ok(_) => {}
                    Err(why) => self.0.warn(&format!("{name} cannot be read: {why}")),
                }
                after = Some(name);
                if listed.len() == limit as usize {
                    break 'pages;
                }
            }
        }
        Ok(json!({ "unlocks": listed, "next": after }).to_string())
    }
}

/// Which attempts are listed; what is not given matches all.
struct Wanted {
    door: Option<DoorId>,
    from: Option<EventTime>,
    to: Option<EventTime>,
}

impl Wanted {
    /// The name that precedes all records of that time. A key is never behind its time.
    fn begin(&self) -> Option<String> {
        let begin = self.from?.millis().saturating_sub(1);
        Some(record::unlock(Key::ZERO.next(begin)))
    }

    fn is(&self, unlock: &Map<String, Value>) -> bool {
        let door = unlock.get("door_id").and_then(Value::as_str);
        let at = unlock.get("at").and_then(Value::as_u64);
        let at = EventTime::from_millis(at.unwrap_or_default());
        self.door
            .as_ref()
            .is_none_or(|wanted| door == Some(wanted.as_str()))
            && self.from.is_none_or(|from| from <= at)
            && self.to.is_none_or(|to| at <= to)
    }
}

/// A record as operators see it: as it is stored, under its name.
fn shown(name: &str, mut unlock: Map<String, Value>) -> Value {
    unlock.remove("v");
    unlock.insert("id".to_owned(), name.into());
    unlock.into()
}
