//! Reading what is pending in the store, page by page; and dropping what nobody is to get any more.

use crate::driver::{Driver, Inner, STORE_PAUSE};
use crate::host::{Change, CommitError, Host, StorageFailed};
use crate::key::Key;
use crate::pages::PAGE;
use crate::record::{self, DeliveryRecord, HealthRecord};
use crate::subscription::SubscriptionId;

use super::health::Health;
use super::queue::{Page, PageStart, Queue};

impl<H: Host + 'static> Driver<H> {
    /// Makes a queue for each subscription that an earlier instance knew. What is pending is read when
    /// the driver runs.
    pub(crate) async fn open_outbox(
        &self,
        ids: impl Iterator<Item = SubscriptionId>,
    ) -> Result<(), StorageFailed> {
        let inner = &*self.0;
        for id in ids {
            let name = record::health(id);
            let kept = inner.host.get(&name).await?;
            let kept = kept.and_then(|value| {
                let record = record::decode::<HealthRecord>(&name, &value);
                record.inspect_err(|why| inner.warn(why)).ok()
            });
            let now = inner.host.now();
            let health = kept.map_or_else(Health::default, |kept| Health::restored(kept, now));
            let is_disabled = health.is_disabled();
            inner.outbox.borrow_mut().restore(id, health, inner.time());
            if is_disabled {
                self.bury_all(id);
            }
        }
        Ok(())
    }

    /// Has a queue for each subscription that there is now.
    pub(crate) fn admit_subscriptions(&self) {
        let inner = &*self.0;
        let subscriptions = inner.state.borrow().subscriptions.clone();
        for (id, subscription) in subscriptions.iter() {
            inner.outbox.borrow_mut().add(*id);
            let is_refused = subscription.refused.is_some();
            inner.with_queue(*id, |queue, _, _| queue.set_refused(is_refused));
        }
    }

    /// Has the next pages of backlogs read.
    pub(super) fn read_pages(&self) {
        let pages = self.0.outbox.borrow_mut().begin_pages();
        for (to, start) in pages {
            let driver = self.clone();
            self.0
                .tasks
                .spawn(async move { driver.read_page(to, start).await });
        }
    }

    /// Forgets a subscription that is no more, and in the background, in batches, what it has yet to
    /// get.
    pub(crate) fn drop_deliveries(&self, to: SubscriptionId) {
        self.0.outbox.borrow_mut().forget(to);
        let driver = self.clone();
        self.0.tasks.spawn(async move {
            while let Err(error) = driver.drop_records(to).await {
                driver.0.warn(&format!(
                    "deliveries of a removed subscription stay for now: {error}"
                ));
                driver.0.host.sleep(STORE_PAUSE).await;
            }
        });
    }

    /// Drops the records of subscriptions that are no more: a crash can leave some behind.
    pub(super) async fn drop_orphans(&self) -> Result<(), StorageFailed> {
        for prefix in [record::DELIVERIES, record::HEALTH] {
            let mut after: Option<String> = None;
            loop {
                let first = self.0.host.scan(prefix, after.as_deref(), 1).await?;
                let Some((name, _)) = first.first() else {
                    break;
                };
                let Some(to) = record::subscriber_of(name) else {
                    after = Some(name.clone());
                    continue;
                };
                if !self.0.state.borrow().subscriptions.contains_key(&to) {
                    self.drop_deliveries(to);
                }
                after = Some(record::after_those_of(prefix, to));
            }
        }
        Ok(())
    }

    /// Reads the page that was asked for. If that fails, it is asked for again after a pause.
    async fn read_page(&self, to: SubscriptionId, start: PageStart) {
        let inner = &*self.0;
        let after = start.after.map(|key| record::delivery(to, key));
        let page = inner
            .host
            .scan(&record::deliveries_to(to), after.as_deref(), PAGE)
            .await;
        match page {
            Ok(page) => {
                let page = Page {
                    start,
                    is_last: page.len() < PAGE as usize,
                    records: page
                        .iter()
                        .filter_map(|(name, value)| inner.readable(name, value))
                        .collect(),
                };
                for (key, _) in &page.records {
                    inner.doubts.found(to, *key);
                }
                inner.with_queue(to, |queue, bytes, time| queue.end_page(page, bytes, time));
            }
            Err(error) => {
                inner.warn(&format!("pending deliveries could not be read: {error}"));
                inner.host.sleep(STORE_PAUSE).await;
                inner.with_queue(to, |queue, _, _| queue.give_up_page(start));
            }
        }
        inner.tasks.bell().ring();
    }

    async fn drop_records(&self, to: SubscriptionId) -> Result<(), CommitError> {
        let host = &self.0.host;
        for prefix in [record::deliveries_to(to), record::health(to)] {
            loop {
                let page = host.scan(&prefix, None, PAGE).await?;
                if page.is_empty() {
                    break;
                }
                let names = page.into_iter().map(|(name, _)| name);
                let changes = names.map(|key| Change::Delete { key });
                host.commit(changes.collect()).await?;
            }
        }
        Ok(())
    }
}

impl<H: Host> Inner<H> {
    /// The steady time, in milliseconds.
    pub(crate) fn time(&self) -> u64 {
        self.clock.time(self.host.now())
    }

    /// Does something with a subscriber's queue, which may keep so many bytes of messages in memory,
    /// at this time.
    pub(super) fn with_queue<T>(
        &self,
        to: SubscriptionId,
        then: impl FnOnce(&mut Queue, usize, u64) -> T,
    ) -> Option<T> {
        let time = self.time();
        let mut outbox = self.outbox.borrow_mut();
        outbox.with(to, time, |queue, bytes| then(queue, bytes, time))
    }

    /// A record of the outbox; without its delivery if that cannot be read.
    fn readable(&self, name: &str, value: &[u8]) -> Option<(Key, Option<DeliveryRecord>)> {
        let Some(key) = record::key_of(name) else {
            self.warn(&format!("the record {name} has no key"));
            return None;
        };
        let record = record::decode::<DeliveryRecord>(name, value);
        Some((key, record.inspect_err(|why| self.warn(why)).ok()))
    }
}
