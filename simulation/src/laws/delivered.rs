//! Nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use super::{Law, Verdict};
use crate::fact::{EventNumber, Fact, Url};
use crate::ledger::{Ledger, News, Subscriber};
use crate::store::Store;
use crate::time::Moment;

#[derive(Default)]
pub(super) struct Delivered {
    /// Saved events that a subscriber has neither taken nor been refused.
    outstanding: BTreeMap<Url, BTreeSet<EventNumber>>,
}

impl Delivered {
    fn settle(&mut self, url: &Url, event: EventNumber) {
        if let Some(events) = self.outstanding.get_mut(url) {
            events.remove(&event);
        }
    }
}

impl Law for Delivered {
    fn rule(&self) -> &'static str {
        "each accepted event reaches each subscription that was active when it was accepted, or \
         is or was a dead letter, or its subscription ended; and nothing is left pending"
    }

    fn see(&mut self, _now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        for news in &ledger.news {
            let (event, to) = match news {
                News::Saved { event, must, .. } => (event, must.iter().collect()),
                News::Raised { url, event } => (event, vec![url]),
                News::Died { .. } | News::CameBack { .. } | News::Rejected { .. } => continue,
            };
            for url in to {
                let events = self.outstanding.entry(url.clone()).or_default();
                events.insert(*event);
            }
        }
        for news in &ledger.news {
            if let News::Died { sub, event, .. } = news
                && let (Some(subscriber), Some(event)) = (ledger.subscribers.get(sub), event)
            {
                self.settle(&subscriber.url, *event);
            }
        }
        match fact {
            Fact::Taken(attempt) => {
                let attempt = ledger.attempt(*attempt);
                if let Some(event) = attempt.event {
                    self.settle(&attempt.url, event);
                }
            }
            Fact::Called { .. } | Fact::Answered { .. } | Fact::Unanswered(_) => self
                .outstanding
                .retain(|url, _| ledger.book.is_surely_subscribed(url)),
            Fact::StoreLost => self.outstanding.clear(),
            _ => {}
        }
        Ok(())
    }

    fn waits_for(&self, ledger: &Ledger) -> Option<String> {
        let mut subscribers = ledger.subscribers.values();
        let pending = subscribers.find(|it| it.is_subscribed && it.pending > 0);
        if let Some(pending) = pending {
            let Subscriber { url, pending, .. } = pending;
            return Some(format!("{pending} deliveries to {url} are still pending"));
        }
        self.outstanding.iter().find_map(|(url, events)| {
            let is_accepted = |event: &&EventNumber| ledger.events[event.0].is_accepted;
            let event = events.iter().find(is_accepted)?;
            Some(format!("{event} was accepted, and {url} never took it"))
        })
    }

    fn end(&self, _ledger: &Ledger, store: &Store) -> Verdict {
        match store.count("delivery/") {
            0 => Ok(()),
            left => Err(format!("{left} deliveries to nobody are still pending")),
        }
    }
}
