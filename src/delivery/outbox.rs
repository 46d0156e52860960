//! The deliveries that are in memory: the head of each subscriber's backlog.
//!
//! The store holds all of them; here are at most [`IN_MEMORY`] a subscriber, and a mark where the
//! next page begins.

use std::collections::BTreeMap;

use crate::door::DoorEvent;
use crate::driver::Driver;
use crate::host::{Change, CommitError, Host, StorageFailed};
use crate::key::Key;
use crate::record::{self, DeliveryRecord, Version};
use crate::subscription::SubscriptionId;

use super::retry;

/// The most deliveries of one subscriber in memory.
pub(super) const IN_MEMORY: usize = 512;
/// The most attempts in flight to one subscriber.
const IN_FLIGHT: usize = 32;
/// How many records one read of the store asks for.
const PAGE: u32 = 256;

/// An event that a subscriber has yet to get.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(super) event_id: String,
    pub(super) event: DoorEvent,
    /// Attempts made.
    pub(super) attempts: u32,
    /// Not before this time, in milliseconds since 1970.
    pub(super) next: u64,
    pub(super) in_flight: bool,
}

impl From<DeliveryRecord> for Delivery {
    fn from(record: DeliveryRecord) -> Self {
        let DeliveryRecord {
            v: _,
            event_id,
            event,
            attempts,
            next,
        } = record;
        Self {
            event_id,
            event,
            attempts,
            next,
            in_flight: false,
        }
    }
}

impl From<&Delivery> for DeliveryRecord {
    fn from(delivery: &Delivery) -> Self {
        let Delivery {
            event_id,
            event,
            attempts,
            next,
            in_flight: _,
        } = delivery.clone();
        Self {
            v: Version,
            event_id,
            event,
            attempts,
            next,
        }
    }
}

/// All deliveries in memory.
#[derive(Default)]
pub(crate) struct Outbox {
    pub(super) queues: BTreeMap<SubscriptionId, Queue>,
}

impl Outbox {
    /// Makes room for the subscriptions that an earlier instance knew: their backlogs are in the store.
    pub(crate) fn open(&mut self, ids: impl Iterator<Item = SubscriptionId>) {
        let in_store = || Queue {
            backlog: Backlog::InStore,
            ..Queue::default()
        };
        self.queues.extend(ids.map(|id| (id, in_store())));
    }
}

/// What one subscriber has yet to get.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) deliveries: BTreeMap<Key, Delivery>,
    /// The highest key that ever was in `deliveries`: the next page follows it.
    read_to: Option<Key>,
    backlog: Backlog,
}

/// Where the deliveries are that follow those in memory.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Backlog {
    /// There are none.
    #[default]
    Empty,
    /// In the store.
    InStore,
    /// A page is being read. If one was committed meanwhile, the page may not hold it.
    Reading { and_more: bool },
}

impl Queue {
    /// Takes in a delivery that was committed, or leaves it in the store if it is not its turn.
    fn insert(&mut self, key: Key, delivery: Delivery) {
        if self.read_to.is_some_and(|read_to| key <= read_to) {
            // Accepted before one that is here, but its call came to know of it later.
            self.deliveries.entry(key).or_insert(delivery);
            return;
        }
        match &mut self.backlog {
            Backlog::InStore => {}
            Backlog::Reading { and_more } => *and_more = true,
            Backlog::Empty if self.deliveries.len() >= IN_MEMORY => self.backlog = Backlog::InStore,
            Backlog::Empty => {
                self.read_to = Some(key);
                self.deliveries.insert(key, delivery);
            }
        }
    }

    /// Whether a page should be read now. Whoever asks reads it.
    pub(super) fn takes_page(&mut self) -> bool {
        let takes = self.backlog == Backlog::InStore && self.deliveries.len() < IN_MEMORY / 2;
        if takes {
            self.backlog = Backlog::Reading { and_more: false };
        }
        takes
    }

    /// Up to `most` deliveries that an attempt should be made of, oldest first.
    pub(super) fn due(&self, now: u64, most: usize) -> Vec<Key> {
        let in_flight = self
            .deliveries
            .values()
            .filter(|delivery| delivery.in_flight)
            .count();
        let is_due = |delivery: &Delivery| {
            !delivery.in_flight && retry::is_due(delivery.next, delivery.attempts, now)
        };
        let due = self
            .deliveries
            .iter()
            .filter(|(_, delivery)| is_due(delivery))
            .map(|(key, _)| *key);
        due.take(most.min(IN_FLIGHT.saturating_sub(in_flight)))
            .collect()
    }

    /// When the next attempt that waits for its time is due.
    pub(super) fn next(&self, now: u64) -> Option<u64> {
        let waiting = self
            .deliveries
            .values()
            .filter(|delivery| !delivery.in_flight);
        waiting
            .map(|delivery| delivery.next)
            .filter(|next| *next > now)
            .min()
    }
}

impl<H: Host + 'static> Driver<H> {
    /// Takes a delivery that was committed.
    pub(crate) fn enqueue(&self, to: SubscriptionId, key: Key, delivery: Delivery) {
        if !self.0.state.borrow().subscriptions.contains_key(&to) {
            // It was unsubscribed while the event was being committed.
            self.drop_deliveries(to);
            return;
        }
        self.0
            .outbox
            .borrow_mut()
            .queues
            .entry(to)
            .or_default()
            .insert(key, delivery);
    }

    /// Forgets what a subscription that is no more has yet to get, in the background, in batches.
    pub(crate) fn drop_deliveries(&self, to: SubscriptionId) {
        self.0.outbox.borrow_mut().queues.remove(&to);
        let driver = self.clone();
        self.0.tasks.spawn(async move {
            let dropped = driver.drop_pages(&record::deliveries_to(to)).await;
            if let Err(error) = dropped {
                // They are found again at the next start.
                driver.0.warn(&format!(
                    "deliveries of a removed subscription stay for now: {error}"
                ));
            }
        });
    }

    /// Reads the page that [`Queue::takes_page`] asked for.
    pub(super) async fn read_page(&self, to: SubscriptionId) -> Result<(), StorageFailed> {
        let Some(read_to) = self.with_queue(to, |queue| queue.read_to) else {
            return Ok(());
        };
        let after = read_to.map(|key| record::delivery(to, key));
        let page = self
            .0
            .host
            .scan(&record::deliveries_to(to), after.as_deref(), PAGE)
            .await;
        if page.is_err() {
            self.with_queue(to, |queue| queue.backlog = Backlog::InStore);
        }
        let page = page?;
        let mut read = Vec::new();
        for (name, value) in &page {
            match (
                record::key_of(name),
                record::decode::<DeliveryRecord>(name, value),
            ) {
                (Some(key), Ok(record)) => read.push((key, Delivery::from(record))),
                (_, Err(why)) => self.0.warn(&why),
                (None, Ok(_)) => self.0.warn(&format!("the record {name} has no key")),
            }
        }
        self.with_queue(to, |queue| {
            let is_last =
                page.len() < PAGE as usize && queue.backlog == Backlog::Reading { and_more: false };
            queue.backlog = if is_last {
                Backlog::Empty
            } else {
                Backlog::InStore
            };
            queue.read_to = queue.read_to.max(read.last().map(|(key, _)| *key));
            queue.deliveries.extend(read);
        });
        Ok(())
    }

    /// Drops the deliveries to subscriptions that are no more: a crash can leave some behind.
    pub(super) async fn drop_orphans(&self) -> Result<(), StorageFailed> {
        let mut after: Option<String> = None;
        loop {
            let first = self
                .0
                .host
                .scan(record::DELIVERIES, after.as_deref(), 1)
                .await?;
            let Some((name, _)) = first.first() else {
                return Ok(());
            };
            after = match record::subscriber_of(name) {
                Some(to) => {
                    if !self.0.state.borrow().subscriptions.contains_key(&to) {
                        self.drop_deliveries(to);
                    }
                    Some(record::after_deliveries_to(to))
                }
                None => Some(name.clone()),
            };
        }
    }

    fn with_queue<T>(&self, to: SubscriptionId, then: impl FnOnce(&mut Queue) -> T) -> Option<T> {
        self.0.outbox.borrow_mut().queues.get_mut(&to).map(then)
    }

    async fn drop_pages(&self, prefix: &str) -> Result<(), CommitError> {
        loop {
            let page = self.0.host.scan(prefix, None, PAGE).await;
            let page = page.map_err(|error| CommitError::Failed(error.0))?;
            if page.is_empty() {
                return Ok(());
            }
            let changes = page
                .into_iter()
                .map(|(key, _)| Change::Delete { key })
                .collect();
            self.0.host.commit(changes).await?;
        }
    }
}
