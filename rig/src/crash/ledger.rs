//! What the clients have asked and been answered, and what follows from it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What was asked, and when. Times are ticks of one clock for the whole run: only their order counts.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    clock: AtomicU64,
    events: Mutex<BTreeMap<String, Event>>,
    /// What was asked of each URL, in order.
    urls: Mutex<BTreeMap<String, Vec<Change>>>,
    faults: Mutex<Vec<String>>,
}

/// An event that was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// When first.
    sent: u64,
    /// When it was answered that it is accepted; `None` if its sender has given up.
    accepted: Option<u64>,
}

impl Event {
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted.is_some()
    }
}

/// What a client wants a URL to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Subscribed,
    Unsubscribed,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    wish: Wish,
    /// When first.
    sent: u64,
    /// When it was answered that it is so.
    answered: Option<u64>,
}

impl Ledger {
    /// An event is about to be sent for the first time.
    pub(super) fn send(&self, id: &str) {
        let event = Event {
            sent: self.tick(),
            accepted: None,
        };
        self.events.lock().unwrap().insert(id.to_owned(), event);
    }

    /// The gateway says that it has the event.
    pub(super) fn accepted(&self, id: &str) {
        let now = self.tick();
        if let Some(event) = self.events.lock().unwrap().get_mut(id) {
            event.accepted = Some(now);
        }
    }

    /// A client is about to ask for a change for the first time.
    pub(super) fn ask(&self, url: &str, wish: Wish) {
        let change = Change {
            wish,
            sent: self.tick(),
            answered: None,
        };
        let mut urls = self.urls.lock().unwrap();
        urls.entry(url.to_owned()).or_default().push(change);
    }

    /// The gateway says that it has made the change that was asked for last.
    pub(super) fn made(&self, url: &str) {
        let now = self.tick();
        let mut urls = self.urls.lock().unwrap();
        if let Some(change) = urls.get_mut(url).and_then(|changes| changes.last_mut()) {
            change.answered = Some(now);
        }
    }

    /// Something came that must never come.
    pub(super) fn fault(&self, what: String) {
        self.faults.lock().unwrap().push(what);
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap().clone()
    }

    pub(super) fn events(&self) -> BTreeMap<String, Event> {
        self.events.lock().unwrap().clone()
    }

    /// How often what was wished for was answered to be so.
    pub(super) fn count(&self, wish: Wish) -> usize {
        let urls = self.urls.lock().unwrap();
        let changes = urls.values().flatten();
        changes
            .filter(|change| change.wish == wish && change.answered.is_some())
            .count()
    }

    /// The history of every URL.
    pub(super) fn histories(&self) -> BTreeMap<String, History> {
        let urls = self.urls.lock().unwrap().clone();
        urls.into_iter()
            .map(|(url, changes)| (url, History(changes)))
            .collect()
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}

/// What was asked of one URL, in order.
#[derive(Debug)]
pub(super) struct History(Vec<Change>);

impl History {
    /// What the URL is at the end, if that is certain.
    pub(super) fn end(&self) -> Option<Wish> {
        let last = self.0.last()?;
        last.answered.map(|_| last.wish)
    }

    /// Whether it must get the event, if it was saved: it was subscribed before the event was sent, and
    /// for good.
    pub(super) fn must_get(&self, event: &Event) -> bool {
        self.0.last().is_some_and(|last| {
            let answered_before = last.answered.is_some_and(|answered| answered < event.sent);
            last.wish == Wish::Subscribed && answered_before
        })
    }

    /// Whether it may get the event: it was subscribed, or may have been, at some moment between the
    /// event's first sending and its acceptance, which is when it was saved.
    pub(super) fn may_get(&self, event: &Event) -> bool {
        let accepted = event.accepted.unwrap_or(u64::MAX);
        let subscribed = self.0.iter().enumerate();
        subscribed
            .filter(|(_, change)| change.wish == Wish::Subscribed && change.sent < accepted)
            .any(|(index, _)| {
                let removed = self.0.get(index + 1).and_then(|removal| removal.answered);
                removed.is_none_or(|removed| event.sent < removed)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_must_and_who_may_get_an_event_follows_from_the_order_of_answers() {
        let ledger = Ledger::default();
        let event = |id: &str| ledger.events()[id];
        let history = |url: &str| ledger.histories().remove(url).unwrap();
        let accept = |id: &str| {
            ledger.send(id);
            ledger.accepted(id);
        };

        accept("before");
        ledger.ask("kept", Wish::Subscribed);
        ledger.ask("removed", Wish::Subscribed);
        accept("meanwhile");
        ledger.made("kept");
        ledger.made("removed");
        accept("subscribed");
        ledger.send("late");
        ledger.ask("removed", Wish::Unsubscribed);
        accept("while it is removed");
        ledger.made("removed");
        ledger.accepted("late");
        accept("after");

        let of = |url: &str| {
            [
                "before",
                "meanwhile",
                "subscribed",
                "late",
                "while it is removed",
                "after",
            ]
            .map(|id| {
                (
                    history(url).must_get(&event(id)),
                    history(url).may_get(&event(id)),
                )
            })
        };
        let (no, may, must) = ((false, false), (false, true), (true, true));
        assert_eq!(of("kept"), [no, may, must, must, must, must]);
        assert_eq!(of("removed"), [no, may, may, may, may, no]);
        assert_eq!(history("removed").end(), Some(Wish::Unsubscribed));

        ledger.send("given up");
        ledger.ask("removed", Wish::Subscribed);
        assert_eq!(history("removed").end(), None);
        assert!(history("removed").may_get(&event("given up")));
        assert!(!history("removed").may_get(&event("after")));
    }
}
