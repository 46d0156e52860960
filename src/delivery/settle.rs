//! Writing what attempts have come to, all that has gathered at once. It need not be durable one by
//! one: the worst that a crash can do is that something is sent again, under the same `webhook-id`.

use crate::driver::{Driver, Inner, STORE_PAUSE};
use crate::host::{Change, CommitError, Host};
use crate::record;
use crate::sorted::SortedSet;
use crate::subscription::SubscriptionId;

/// What the end of an attempt changes in the store, beside its subscriber's health.
pub(super) struct Settled {
    to: SubscriptionId,
    pub(super) changes: Vec<Change>,
    /// How many dead letters are among them.
    pub(super) deaths: usize,
}

impl Settled {
    pub(super) fn of(to: SubscriptionId) -> Self {
        Self {
            to,
            changes: Vec::new(),
            deaths: 0,
        }
    }
}

impl<H: Host + 'static> Driver<H> {
    /// Opens a subscriber that is not open. An error says that this is not known to be saved.
    pub(crate) async fn enable(&self, to: SubscriptionId) -> Result<(), CommitError> {
        let inner = &*self.0;
        inner.with_queue(to, |queue, _, time| queue.open(time));
        inner.touch();
        inner.tasks.bell().ring();
        inner.save_health(to).await
    }

    /// Writes it, trying again until the store has it, or until [`stop`](Self::stop).
    pub(super) async fn settle(&self, mut settled: Vec<Settled>) {
        let inner = &*self.0;
        let mut unsaved = SortedSet::default();
        loop {
            // After DELETE an attempt's result writes nothing, or it would bring a delivery back.
            let subscriptions = inner.state.borrow().subscriptions.clone();
            settled.retain(|settled| subscriptions.contains_key(&settled.to));
            let mut changes: Vec<_> = settled
                .iter()
                .flat_map(|settled| settled.changes.clone())
                .collect();
            for Settled { to, .. } in &settled {
                if unsaved.contains(to) || inner.take_unsaved(*to) {
                    unsaved.insert(*to);
                }
            }
            changes.extend(unsaved.iter().filter_map(|to| inner.health_record(*to)));
            if changes.is_empty() {
                return;
            }
            let Err(error) = inner.host.commit(changes).await else {
                inner
                    .dead_letters
                    .died(settled.iter().map(|settled| settled.deaths).sum());
                return;
            };
            inner.warn(&format!("deliveries could not be settled: {error}"));
            if inner.stopped.get() {
                return;
            }
            inner.host.sleep(STORE_PAUSE).await;
        }
    }
}

impl<H: Host> Inner<H> {
    /// Writes a subscriber's health, if it has changed.
    pub(super) async fn save_health(&self, to: SubscriptionId) -> Result<(), CommitError> {
        if !self.take_unsaved(to) {
            return Ok(());
        }
        let record = self.health_record(to);
        let saved = self.host.commit(record.into_iter().collect()).await;
        if saved.is_err() {
            self.with_queue(to, |queue, _, _| queue.health.mark_unsaved());
        }
        saved
    }

    /// The change that keeps a subscriber's health, if it is subscribed.
    fn health_record(&self, to: SubscriptionId) -> Option<Change> {
        let outbox = self.outbox.borrow();
        let health = &outbox.get(to)?.health;
        let health = health.record(|time| self.clock.to_host(time));
        Some(record::put(record::health(to), &health))
    }

    fn take_unsaved(&self, to: SubscriptionId) -> bool {
        let unsaved = self.with_queue(to, |queue, _, _| queue.health.take_unsaved());
        unsaved == Some(true)
    }
}
