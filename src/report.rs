//! The status keys: what an operator sees of the module, each at most once a second.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;
use serde_json::json;

use crate::door::DoorEvent;
use crate::host::Host;
use crate::record;

/// How often a key may be set, in milliseconds.
const INTERVAL: u64 = 1000;

/// Counts and values on their way to the operators. What changes with every event is written out
/// only when it is shown.
#[derive(Default)]
pub(crate) struct Report {
    events: Cell<u64>,
    last_event: RefCell<Option<Rc<DoorEvent>>>,
    delivered: Cell<u64>,
    /// Deliveries were settled since the last time.
    has_delivered: Cell<bool>,
    waiting: RefCell<BTreeMap<&'static str, String>>,
    flushed_at: Cell<u64>,
}

impl Report {
    /// A door event was accepted.
    pub(crate) fn event(&self, event: Rc<DoorEvent>) {
        self.events.set(self.events.get() + 1);
        self.last_event.replace(Some(event));
    }

    /// A delivery was answered with a 2xx.
    pub(crate) fn delivered(&self) {
        self.delivered.set(self.delivered.get() + 1);
        self.has_delivered.set(true);
    }

    /// Something failed that an operator may have to mend.
    pub(crate) fn error(&self, message: &str) {
        self.set("last_error", &message);
    }

    /// Sets a key, when its time comes.
    pub(crate) fn set(&self, key: &'static str, value: &impl Serialize) {
        self.waiting.borrow_mut().insert(key, record::text(value));
    }

    /// When what waits may be set, in milliseconds since 1970; `None` if nothing waits. A clock that
    /// went back does not put it off.
    pub(crate) fn due(&self, now: u64) -> Option<u64> {
        let is_waiting = self.has_delivered.get()
            || self.last_event.borrow().is_some()
            || !self.waiting.borrow().is_empty();
        is_waiting.then(|| self.flushed_at.get().min(now).saturating_add(INTERVAL))
    }

    /// Sets what waits, if its time has come.
    pub(crate) fn flush_if_due(&self, host: &impl Host) {
        let now = host.now();
        if self.due(now).is_some_and(|due| due <= now) || self.flushed_at.get() > now {
            self.flush(host);
        }
    }

    /// Sets what waits.
    pub(crate) fn flush(&self, host: &impl Host) {
        self.flushed_at.set(host.now());
        if let Some(event) = self.last_event.take() {
            self.set("event_count", &self.events.get());
            self.set(
                "last_event",
                &json!({
                    "door_id": event.door_id,
                    "action": event.action,
                    "timestamp": event.timestamp.to_string(),
                }),
            );
        }
        if self.has_delivered.take() {
            self.set("delivered", &self.delivered.get());
        }
        for (key, json) in self.waiting.take() {
            host.set_status(key, &json);
        }
    }
}
