//! The status keys: what an operator sees of the module, each at most once a second.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde::Serialize;
use serde_json::json;

use crate::delivery::Message;
use crate::driver::Inner;
use crate::host::Host;
use crate::record;
use crate::sorted::SortedMap;

/// How often a key may be set, in milliseconds.
const INTERVAL: u64 = 1000;
/// How often what ages is looked at, if nothing else has changed.
const AGING: u64 = 15_000;

/// Counts and values on their way to the operators. What changes with every event is written out
/// only when it is shown, and shown only if it has changed.
#[derive(Default)]
pub(crate) struct Report {
    events: Cell<u64>,
    last_event: RefCell<Option<Rc<Message>>>,
    delivered: Cell<u64>,
    /// Something has changed since the last time.
    is_touched: Cell<bool>,
    waiting: RefCell<SortedMap<&'static str, String>>,
    shown: RefCell<SortedMap<&'static str, String>>,
    flushed_at: Cell<u64>,
}

impl Report {
    /// A door event was accepted.
    pub(crate) fn event(&self, event: Rc<Message>) {
        self.events.set(self.events.get() + 1);
        self.last_event.replace(Some(event));
        self.touch();
    }

    /// A delivery was answered with a 2xx.
    pub(crate) fn delivered(&self) {
        self.delivered.set(self.delivered.get() + 1);
        self.touch();
    }

    /// Something failed that an operator may have to mend.
    pub(crate) fn error(&self, message: &str) {
        self.set("last_error", &message);
        self.touch();
    }

    /// What is shown of the subscribers and their deliveries has changed.
    pub(crate) fn touch(&self) {
        self.is_touched.set(true);
    }

    /// Sets a key when its time comes, if it has changed.
    pub(crate) fn set(&self, key: &'static str, value: &impl Serialize) {
        self.waiting.borrow_mut().insert(key, record::text(value));
    }

    /// When there is something to show, in steady time; `None` if there is nothing.
    pub(crate) fn due(&self, inner: &Inner<impl Host>) -> Option<u64> {
        let after = if self.is_touched.get() {
            INTERVAL
        } else if inner.is_aging() {
            AGING
        } else {
            return None;
        };
        Some(
            self.flushed_at
                .get()
                .min(inner.time())
                .saturating_add(after),
        )
    }

    /// Shows what there is to show, if its time has come.
    pub(crate) fn flush_if_due(&self, inner: &Inner<impl Host>) {
        if self.due(inner).is_some_and(|due| due <= inner.time()) {
            self.flush(inner);
        }
    }

    /// Shows what there is to show.
    pub(crate) fn flush(&self, inner: &Inner<impl Host>) {
        self.flushed_at.set(inner.time());
        self.is_touched.set(false);
        inner.summarize();
        if let Some(message) = self.last_event.take() {
            let event = &message.event;
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
        self.set("delivered", &self.delivered.get());
        let mut shown = self.shown.borrow_mut();
        for (key, json) in self.waiting.take() {
            if shown.get(key) != Some(&json) {
                inner.host.set_status(key, &json);
                shown.insert(key, json);
            }
        }
    }
}
