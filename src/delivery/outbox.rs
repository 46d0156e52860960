//! The deliveries that are in memory: the head of each subscriber's backlog. The store holds all.

use std::collections::BTreeMap;

use crate::driver::{Driver, STORE_PAUSE};
use crate::host::{Change, CommitError, Host, StorageFailed};
use crate::key::Key;
use crate::record::{self, DeliveryRecord};
use crate::subscription::SubscriptionId;

use super::queue::{Delivery, Queue};

/// How many records one read of the store asks for.
const PAGE: u32 = 256;
/// How many such reads may be under way at once.
const READS: usize = 4;
/// What the deliveries in memory may take, in bytes, divided among the subscribers.
const BYTES: usize = 16 << 20;
/// But each has so much.
const BYTES_A_QUEUE: usize = 64 << 10;

/// All deliveries in memory.
#[derive(Default)]
pub(crate) struct Outbox {
    pub(super) queues: BTreeMap<SubscriptionId, Queue>,
}

impl Outbox {
    /// Makes room for the subscriptions that an earlier instance knew: their backlogs are in the store.
    pub(crate) fn open(&mut self, ids: impl Iterator<Item = SubscriptionId>) {
        self.queues.extend(ids.map(|id| (id, Queue::in_store())));
    }

    /// The subscribers of whose backlogs a page should be read now, and the key that it follows.
    /// Whoever asks reads them.
    pub(super) fn begin_pages(&mut self) -> Vec<(SubscriptionId, Option<Key>)> {
        let most = self.most_bytes_a_queue();
        let reading = self
            .queues
            .values()
            .filter(|queue| queue.is_reading())
            .count();
        let wanted = self
            .queues
            .iter_mut()
            .filter(|(_, queue)| queue.wants_page(most));
        let wanted = wanted.take(READS.saturating_sub(reading));
        wanted
            .map(|(to, queue)| (*to, queue.begin_page()))
            .collect()
    }

    fn most_bytes_a_queue(&self) -> usize {
        (BYTES / self.queues.len().max(1)).max(BYTES_A_QUEUE)
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
        let mut outbox = self.0.outbox.borrow_mut();
        let most = outbox.most_bytes_a_queue();
        outbox
            .queues
            .entry(to)
            .or_default()
            .insert(key, delivery, most);
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

    /// Reads the page that [`Outbox::begin_pages`] asked for. If that fails, it is asked for again
    /// after a pause.
    pub(super) async fn read_page(&self, to: SubscriptionId, read_to: Option<Key>) {
        let after = read_to.map(|key| record::delivery(to, key));
        let page = self
            .0
            .host
            .scan(&record::deliveries_to(to), after.as_deref(), PAGE)
            .await;
        match page {
            Ok(page) => {
                let is_last = page.len() < PAGE as usize;
                let page = page
                    .iter()
                    .filter_map(|(name, value)| self.readable(name, value))
                    .collect();
                self.with_queue(to, |queue, most| queue.end_page(page, is_last, most));
            }
            Err(error) => {
                self.0
                    .warn(&format!("pending deliveries could not be read: {error}"));
                self.0.host.sleep(STORE_PAUSE).await;
                self.with_queue(to, |queue, _| queue.give_up_page());
            }
        }
        self.0.tasks.bell().ring();
    }

    /// A record of the outbox; without its delivery if that cannot be read.
    fn readable(&self, name: &str, value: &[u8]) -> Option<(Key, Option<Delivery>)> {
        let Some(key) = record::key_of(name) else {
            self.0.warn(&format!("the record {name} has no key"));
            return None;
        };
        let record = record::decode::<DeliveryRecord>(name, value);
        let record = record.inspect_err(|why| self.0.warn(why)).ok();
        Some((key, record.map(Delivery::from)))
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

    /// Does something with a queue, which may take so many bytes.
    fn with_queue<T>(
        &self,
        to: SubscriptionId,
        then: impl FnOnce(&mut Queue, usize) -> T,
    ) -> Option<T> {
        let mut outbox = self.0.outbox.borrow_mut();
        let most = outbox.most_bytes_a_queue();
        outbox.queues.get_mut(&to).map(|queue| then(queue, most))
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
