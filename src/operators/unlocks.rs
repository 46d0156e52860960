//! `unlocks`: who asked for which door, and what came of it.

use serde_json::{Map, Value};

use crate::door::{DoorId, EventTime};
use crate::driver::Driver;
use crate::host::Host;
use crate::key::Key;
use crate::record;

use super::CallError;
use super::arguments::Arguments;
use super::listing::Range;

impl<H: Host + 'static> Driver<H> {
    /// Lists attempts to unlock a door, oldest first: `{"unlocks": […], "next": text or null}`.
    /// `after` is the `next` of the call before.
    pub(super) async fn unlocks(&self, mut arguments: Arguments) -> Result<String, CallError> {
        let wanted = Wanted {
            door: arguments.door("door_id")?,
            from: arguments.time("from")?,
            to: arguments.time("to")?,
        };
        let range = Range::of(&mut arguments)?;
        arguments.end()?;
        let entry = |name: &str, value: &[u8]| match record::decode(name, value) {
            Ok(unlock) => wanted.is(&unlock).then(|| shown(name, unlock)),
            Err(why) => {
                self.0.warn(&why);
                None
            }
        };
        let range = range.or_after(wanted.begin());
        self.list("unlocks", record::UNLOCKS, range, entry).await
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
