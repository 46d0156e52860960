//! The status keys: what an operator sees of the module, each at most once a second.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde::Serialize;

use crate::host::Host;
use crate::record;

/// How often a key may be set, in milliseconds.
const INTERVAL: u64 = 1000;

/// Counts and values on their way to the operators.
#[derive(Default)]
pub(crate) struct Report {
    events: Cell<u64>,
    delivered: Cell<u64>,
    flushed_at: Cell<u64>,
    waiting: RefCell<BTreeMap<&'static str, String>>,
}

impl Report {
    /// A door event was accepted.
    pub(crate) fn event(&self, event: &impl Serialize) {
        self.events.set(self.events.get() + 1);
        self.set("event_count", &self.events.get());
        self.set("last_event", event);
    }

    /// Deliveries settled with a 2xx.
    pub(crate) fn delivered(&self) {
        self.delivered.set(self.delivered.get() + 1);
        self.set("delivered", &self.delivered.get());
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
        (!self.waiting.borrow().is_empty())
            .then(|| self.flushed_at.get().min(now).saturating_add(INTERVAL))
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
        for (key, json) in self.waiting.take() {
            host.set_status(key, &json);
        }
    }
}
