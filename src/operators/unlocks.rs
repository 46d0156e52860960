//! `unlocks`: who asked for which door, and what came of it.

use serde_json::{Value, json};

use crate::door::{DoorId, EventTime};
use crate::driver::Driver;
use crate::host::Host;
use crate::key::Key;
use crate::record::{self, UnlockRecord};

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
                match record::decode(&name, &value) {
                    Ok(unlock) if wanted.is(&unlock) => listed.push(shown(&name, &unlock)),
                    Ok(_) => {}
                    Err(why) => self.0.warn(&why),
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

    fn is(&self, unlock: &UnlockRecord) -> bool {
        let at = EventTime::from_millis(unlock.at);
        self.door
            .as_ref()
            .is_none_or(|door| *door == unlock.door_id)
            && self.from.is_none_or(|from| from <= at)
            && self.to.is_none_or(|to| at <= to)
    }
}

fn shown(name: &str, unlock: &UnlockRecord) -> Value {
    let mut shown = json!({
        "id": name,
        "at": unlock.at,
        "door_id": unlock.door_id,
        "request_id": unlock.request_id,
        "outcome": unlock.outcome,
    });
    let mut show = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown[name] = value;
        }
    };
    show("system", unlock.system.as_deref().map(Value::from));
    show("caller", unlock.caller.as_deref().map(Value::from));
    show("why", unlock.why.as_deref().map(Value::from));
    show("ended", unlock.ended.map(Value::from));
    show("calls", (unlock.calls > 1).then(|| unlock.calls.into()));
    show("late", unlock.is_late.then_some(true.into()));
    shown
}
