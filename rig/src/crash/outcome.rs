//! What was accepted, held against what was received.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::program::until;

use super::clients::Clients;
use super::ledger::{Event, Wish};
use super::receiver::Inbox;
use super::report::{EventCounts, Row};
use super::victim::Victim;

/// How long nothing may come while something is missing: more than the pauses between attempts that a
/// run can reach.
const PATIENCE: Duration = Duration::from_secs(300);

/// A run's clients and receivers.
pub(super) struct Outcome<'a> {
    pub(super) clients: &'a Clients,
    pub(super) inbox: &'a Inbox,
}

impl Outcome<'_> {
    /// Waits until everything has come that must come, or nothing comes any more.
    pub(super) async fn wait_for_all(&self) {
        let mut missing = u64::MAX;
        let mut since = Instant::now();
        while missing > 0 && since.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = self.missing("");
            if now != missing {
                (missing, since) = (now, Instant::now());
            }
        }
    }

    /// Waits until the slot itself says that nothing is pending, nor given up.
    pub(super) async fn check_status(&self, victim: &impl Victim) {
        until("nothing is pending", async || {
            let status = victim.status().await;
            (status["pending"] == 0 && status["dead_letters"] == 0).then_some(())
        })
        .await;
    }

    /// Unsubscribes all, and so learns who was subscribed.
    pub(super) async fn check_subscriptions(&self) {
        for (url, history) in self.clients.ledger.histories() {
            let body = json!({ "webhook": url }).to_string();
            let status = self.clients.hook("DELETE", body).await;
            let is_so = match history.end() {
                Some(Wish::Subscribed) => status == Some(202),
                Some(Wish::Unsubscribed) => status == Some(404),
                None => false,
            };
            if !is_so {
                let fault = format!("{url}: DELETE was answered {status:?} after {history:?}");
                self.clients.ledger.fault(fault);
            }
        }
    }

    /// What came to the receiver at `origin`.
    pub(super) fn row(&self, name: &'static str, origin: &str) -> Row {
        let mut row = Row {
            name,
            lost: self.missing(origin),
            ..Row::default()
        };
        let inbox = self.inbox.events.lock().unwrap();
        let at_origin = inbox.iter().filter(|(url, _)| is_at(url, origin));
        for got in at_origin.flat_map(|(_, events)| events.values()) {
            row.attempts += u64::from(got.attempts);
            row.received += u64::from(got.received.min(1));
            row.again += u64::from(got.received.saturating_sub(1));
        }
        row
    }

    pub(super) fn event_counts(&self) -> EventCounts {
        let count = |events: BTreeMap<String, Event>| {
            let accepted = events.values().filter(|event| event.is_accepted()).count();
            (accepted, events.len() - accepted)
        };
        let (accepted, given_up) = count(self.clients.ledger.events());
        let (_, given_up_and_received) = count(self.saved());
        EventCounts {
            accepted,
            given_up,
            given_up_and_received,
        }
    }

    /// All that must never be, but for what is lost.
    pub(super) fn faults<V: Victim>(&self) -> Vec<String> {
        let mut faults = self.clients.ledger.faults();
        faults.extend(self.inbox.faults());
        let ids = self.inbox.ids();
        let misnamed = ids.iter().filter(|(event, id)| !V::is_id_of(event, id));
        faults.extend(misnamed.map(|(event, id)| format!("{event} came as {id}")));
        let sent = self.clients.ledger.events();
        let histories = self.clients.ledger.histories();
        for (url, events) in &*self.inbox.events.lock().unwrap() {
            for id in events.keys() {
                match (sent.get(id), histories.get(url)) {
                    (None, _) => faults.push(format!("{url} got {id}, which nobody sent")),
                    (Some(event), Some(history)) if history.may_get(event) => {}
                    (Some(event), history) => faults.push(format!(
                        "{url} got {id}, and was not subscribed then: {event:?}, {history:?}"
                    )),
                }
            }
        }
        faults
    }

    /// How many events the receiver at `origin` should have and has not; with no origin, all receivers.
    fn missing(&self, origin: &str) -> u64 {
        let saved = self.saved();
        let inbox = self.inbox.events.lock().unwrap();
        let mut missing = 0;
        for (url, history) in self.clients.ledger.histories() {
            if is_at(&url, origin) {
                let got = inbox.get(&url);
                let has = |id: &String| {
                    got.and_then(|got| got.get(id))
                        .is_some_and(|got| got.received > 0)
                };
                let wanted = saved.iter().filter(|(_, event)| history.must_get(event));
                missing += wanted.filter(|(id, _)| !has(id)).count() as u64;
            }
        }
        missing
    }

    /// The events that were saved: those that were accepted, and those that anybody has got. An event
    /// is saved for all its subscribers or for none.
    fn saved(&self) -> BTreeMap<String, Event> {
        let inbox = self.inbox.events.lock().unwrap();
        let is_there = |id: &String| inbox.values().any(|events| events.contains_key(id));
        let mut events = self.clients.ledger.events();
        events.retain(|id, event| event.is_accepted() || is_there(id));
        events
    }
}

/// Whether `url` is one of the receiver at `origin`.
fn is_at(url: &str, origin: &str) -> bool {
    url.strip_prefix(origin)
        .is_some_and(|rest| origin.is_empty() || rest.starts_with('/'))
}
