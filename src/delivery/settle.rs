//! Writing what attempts have come to, all that has gathered at once. It need not be durable one by
//! one: the worst that a crash can do is that something is sent again, under the same `webhook-id`.

use std::cell::RefCell;

use crate::driver::{Driver, Inner, STORE_PAUSE};
use crate::host::{Change, CommitError, Host};
use crate::kept::Kind;
use crate::key::Key;
use crate::record;
use crate::sorted::{SortedMap, SortedSet};
use crate::subscription::SubscriptionId;

/// What the end of an attempt changes in the store, beside its subscriber's health.
pub(super) struct Settled {
    pub(super) to: SubscriptionId,
    pub(super) key: Key,
    pub(super) result: Settling,
}

/// What becomes of a delivery's record.
pub(super) enum Settling {
    /// It stays as it is.
    Unchanged,
    /// It goes.
    Delivered,
    /// It is this one from now on, if the delivery has not been given up meanwhile.
    Again(Change),
    /// It goes, and this dead letter comes.
    Dead(Change),
}

/// The deliveries that are settled and whose records are still there, by subscriber. With many subscribers they
/// are thousands: in one sorted vector, which moves half of itself for each that comes and each that goes, they
/// would take a tenth of a delivery's time.
#[derive(Default)]
pub(crate) struct Unsettled(RefCell<SortedMap<SubscriptionId, Vec<Key>>>);

impl Unsettled {
    /// Whether a delivery is.
    pub(crate) fn contains(&self, to: SubscriptionId, key: Key) -> bool {
        let all = self.0.borrow();
        all.get(&to).is_some_and(|keys| keys.contains(&key))
    }

    fn insert(&self, settled: &Settled) {
        let mut all = self.0.borrow_mut();
        all.get_or_insert_with(settled.to, Vec::new)
            .push(settled.key);
    }

    fn remove(&self, settled: &Settled) {
        let mut all = self.0.borrow_mut();
        let Some(keys) = all.get_mut(&settled.to) else {
            return;
        };
        if let Some(at) = keys.iter().position(|key| *key == settled.key) {
            keys.swap_remove(at);
        }
        if keys.is_empty() {
            all.remove(&settled.to);
        }
    }
}

impl<H: Host + 'static> Driver<H> {
    /// Opens a subscriber that is not open. An error says that this is not known to be saved.
    pub(crate) async fn enable(&self, to: SubscriptionId) -> Result<(), CommitError> {
        let inner = &*self.0;
        inner.with_queue(to, |queue, _, time| queue.open(time));
        inner.touch();
        inner.save_health(to).await
    }

    /// Writes it, trying again until the store has it, or until [`stop`](Self::stop).
    pub(super) async fn settle(&self, settled: Vec<Settled>) {
        self.settle_all(&settled).await;
        for settled in &settled {
            self.0.unsettled.remove(settled);
        }
    }

    async fn settle_all(&self, settled: &[Settled]) {
        let inner = &*self.0;
        let mut unsaved = SortedSet::default();
        loop {
            // Nobody reads pending records to give them up while these are being written.
            let turn = inner.dead_letters.turn().await;
            // After DELETE an attempt's result writes nothing, or it would bring a delivery back.
            let subscriptions = inner.state.borrow().subscriptions.clone();
            let settled = settled.iter();
            let settled = settled.filter(|settled| subscriptions.contains_key(&settled.to));
            let settled: Vec<_> = settled.collect();
            let mut changes = Vec::new();
            let mut deaths = 0;
            for Settled { to, key, result } in &settled {
                let name = record::delivery(*to, *key);
                match result {
                    Settling::Unchanged => {}
                    Settling::Delivered => changes.push(Change::Delete { key: name }),
                    Settling::Again(put) if inner.is_kept(*to, *key) => changes.push(put.clone()),
                    Settling::Again(_) => {}
                    Settling::Dead(letter) => {
                        changes.push(Change::Delete { key: name });
                        changes.push(letter.clone());
                        deaths += 1;
                    }
                }
            }
            if deaths > 0 {
                changes.push(inner.last_key_record());
            }
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
                inner.kept.add(Kind::Dead, deaths);
                inner.touch();
                return;
            };
            drop(turn);
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

    /// Remembers what is settled until it is written.
    pub(super) fn unsettled(&self, settled: &Settled) {
        if matches!(settled.result, Settling::Delivered | Settling::Dead(_)) {
            self.unsettled.insert(settled);
        }
    }

    fn take_unsaved(&self, to: SubscriptionId) -> bool {
        let unsaved = self.with_queue(to, |queue, _, _| queue.health.take_unsaved());
        unsaved == Some(true)
    }
}
