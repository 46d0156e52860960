//! Dead letters: deliveries that were given up, each with its reason; and the bounds of what is kept.

use std::cell::Cell;

use crate::door::DoorEvent;
use crate::driver::{Driver, Inner, STORE_PAUSE};
use crate::host::{Change, CommitError, Host, StorageFailed};
use crate::key::Key;
use crate::record::{self, DeadRecord, DeliveryRecord, Version};
use crate::subscription::SubscriptionId;

use super::sweep::PAGE;

/// How many deliveries may be pending.
const MAX_PENDING: usize = 200_000;
/// How many dead letters are kept.
const MAX_DEAD: usize = 20_000;
/// How many events are kept that could not be read.
const MAX_REJECTED: usize = 1_000;

/// Why deliveries to a disabled subscriber are given up.
const DISABLED: &str = "its subscription is disabled: the receiver said that it is gone";
/// Why the oldest delivery is given up.
const TOO_MANY: &str = "there were more than 200,000 pending deliveries";

/// How many records of the kinds that are bounded the store holds, as far as they were counted.
#[derive(Default)]
pub(crate) struct Counts {
    dead: Cell<usize>,
    rejected: Cell<usize>,
    /// A task gives up what is too much.
    is_shedding: Cell<bool>,
    /// The last time that something was given up because there was too much of it, if ever.
    overflowed_at: Cell<Option<u64>>,
}

/// A delivery that is given up.
pub(crate) struct Death<'a> {
    pub(crate) to: SubscriptionId,
    pub(crate) key: Key,
    pub(crate) attempts: u32,
    pub(crate) reason: &'a str,
}

impl Counts {
    /// So many more dead letters were saved.
    pub(crate) fn died(&self, more: usize) {
        self.dead.set(self.dead.get() + more);
    }

    /// So many dead letters are no more.
    pub(crate) fn raised(&self, fewer: usize) {
        self.dead.set(self.dead.get().saturating_sub(fewer));
    }

    /// One more event was saved that could not be read.
    pub(crate) fn rejected(&self) {
        self.rejected.set(self.rejected.get() + 1);
    }

    /// So many events that could not be read are no more.
    pub(crate) fn forgot_rejected(&self, fewer: usize) {
        self.rejected.set(self.rejected.get().saturating_sub(fewer));
    }

    /// How many dead letters there are.
    pub(super) fn dead(&self) -> usize {
        self.dead.get()
    }

    /// When something was given up last because there was too much of it.
    pub(super) fn overflowed_at(&self) -> Option<u64> {
        self.overflowed_at.get()
    }
}

impl<H: Host> Inner<H> {
    /// The changes that keep a dead letter.
    pub(crate) fn dead_letter(&self, death: Death<'_>, id: &str, event: &DoorEvent) -> [Change; 2] {
        let record = DeadRecord {
            v: Version,
            subscription: death.to.to_string(),
            key: death.key.to_string(),
            event_id: id.to_owned(),
            event: event.clone(),
            attempts: death.attempts,
            at: self.host.now(),
            reason: death.reason.to_owned(),
        };
        let name = record::dead(self.next_key());
        [record::put(name, &record), self.last_key_record()]
    }

    /// Whether a subscriber is disabled.
    pub(crate) fn is_disabled(&self, to: SubscriptionId) -> bool {
        let outbox = self.outbox.borrow();
        outbox
            .get(to)
            .is_some_and(|queue| queue.health.is_disabled())
    }

    /// Takes a delivery out of its queue: it is not pending any more.
    pub(crate) fn take_out(&self, to: SubscriptionId, key: Key) {
        self.with_queue(to, |queue, _, time| queue.remove(key, time));
        self.tasks.bell().ring();
    }

    /// The changes that make a dead letter of what the subscriber would be sent, if it is disabled.
    pub(crate) fn dead_on_arrival(
        &self,
        to: SubscriptionId,
        key: Key,
        id: &str,
        event: &DoorEvent,
    ) -> Option<[Change; 2]> {
        let is_disabled = self.is_disabled(to);
        let reason = DISABLED;
        let attempts = 0;
        let death = Death {
            to,
            key,
            attempts,
            reason,
        };
        is_disabled.then(|| self.dead_letter(death, id, event))
    }
}

impl<H: Host + 'static> Driver<H> {
    /// Makes dead letters of all that is pending for a subscriber, in the background, as long as it is
    /// disabled.
    pub(crate) fn bury_all(&self, to: SubscriptionId) {
        let driver = self.clone();
        self.0.tasks.spawn(async move {
            while driver.bury_page(to).await {
                driver.0.touch();
            }
        });
    }

    /// Gives up the oldest deliveries if too many are pending, in the background.
    pub(super) fn shed(&self) {
        let inner = &*self.0;
        let is_too_much = {
            let outbox = inner.outbox.borrow();
            outbox.pending() > MAX_PENDING && outbox.is_swept()
        };
        if !is_too_much || inner.dead_letters.is_shedding.replace(true) {
            return;
        }
        let driver = self.clone();
        self.0.tasks.spawn(async move {
            driver.shed_oldest().await;
            driver.0.dead_letters.is_shedding.set(false);
        });
    }

    /// Counts what an earlier instance has left.
    pub(super) async fn count_dead(&self) -> Result<(), StorageFailed> {
        let counts = &self.0.dead_letters;
        for (prefix, count) in [
            (record::DEAD, &counts.dead),
            (record::REJECTED, &counts.rejected),
        ] {
            let mut after: Option<String> = None;
            loop {
                let page = self.0.host.scan(prefix, after.as_deref(), PAGE).await?;
                count.set(count.get() + page.len());
                match page.into_iter().next_back() {
                    Some((last, _)) => after = Some(last),
                    None => break,
                }
            }
        }
        if counts.dead.get() > 0 {
            self.0.touch();
        }
        Ok(())
    }

    /// Drops dead letters and rejected events that were kept long enough, and the oldest of those that
    /// are too many.
    pub(super) async fn forget_dead(&self) -> Result<(), CommitError> {
        let inner = &*self.0;
        let kept_for = inner.state.borrow().settings.retention.millis();
        let oldest = Key::ZERO.next(inner.host.now().saturating_sub(kept_for));
        let counts = &inner.dead_letters;
        for (prefix, count, most) in [
            (record::DEAD, &counts.dead, MAX_DEAD),
            (record::REJECTED, &counts.rejected, MAX_REJECTED),
        ] {
            loop {
                let page = inner.host.scan(prefix, None, PAGE).await;
                let page = page.map_err(|error| CommitError::Failed(error.0))?;
                let is_last = page.len() < PAGE as usize;
                let surplus = count.get().saturating_sub(most);
                if surplus > 0 {
                    counts.overflowed_at.set(Some(inner.time()));
                }
                let old: Vec<_> = page
                    .into_iter()
                    .enumerate()
                    .take_while(|(nth, (name, _))| {
                        let is_old = record::key_of(name).is_none_or(|key| key < oldest);
                        is_old || *nth < surplus
                    })
                    .map(|(_, (key, _))| Change::Delete { key })
                    .collect();
                if old.is_empty() {
                    break;
                }
                let gone = old.len();
                inner.host.commit(old).await?;
                count.set(count.get().saturating_sub(gone));
                inner.touch();
                if is_last {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether there may be another page.
    async fn bury_page(&self, to: SubscriptionId) -> bool {
        let inner = &*self.0;
        if !inner.is_disabled(to) || inner.stopped.get() {
            return false;
        }
        let page = inner
            .host
            .scan(&record::deliveries_to(to), None, PAGE)
            .await;
        let buried = match page {
            Ok(page) if page.is_empty() => return false,
            // It was opened while the page was read: what is pending is sent.
            Ok(_) if !inner.is_disabled(to) => return false,
            Ok(page) => self.bury(page, DISABLED).await,
            Err(error) => Err(CommitError::Failed(error.0)),
        };
        if let Err(error) = buried {
            inner.warn(&format!("dead letters could not be saved: {error}"));
            inner.host.sleep(STORE_PAUSE).await;
        }
        true
    }

    /// Makes dead letters of pending deliveries, as the store has them. One that cannot be read is
    /// dropped.
    pub(crate) async fn bury(
        &self,
        page: Vec<(String, Vec<u8>)>,
        reason: &str,
    ) -> Result<(), CommitError> {
        let inner = &*self.0;
        let mut changes = Vec::new();
        let mut deaths = 0;
        for (name, value) in page {
            let names = record::subscriber_of(&name).zip(record::key_of(&name));
            match (names, record::decode::<DeliveryRecord>(&name, &value)) {
                (Some((to, key)), Ok(record)) => {
                    let attempts = record.attempts;
                    let death = Death {
                        to,
                        key,
                        attempts,
                        reason,
                    };
                    changes.extend(inner.dead_letter(death, &record.event_id, &record.event));
                    deaths += 1;
                }
                (_, Err(why)) => inner.warn(&why),
                (None, _) => inner.warn(&format!("the record {name} has no key")),
            }
            changes.push(Change::Delete { key: name });
        }
        inner.host.commit(changes).await?;
        inner.dead_letters.died(deaths);
        Ok(())
    }

    async fn shed_oldest(&self) {
        let inner = &*self.0;
        loop {
            let names = inner.take_oldest();
            if names.is_empty() {
                return;
            }
            inner.dead_letters.overflowed_at.set(Some(inner.time()));
            inner.touch();
            let buried = match self.read_all(&names).await {
                Ok(page) => self.bury(page, TOO_MANY).await,
                Err(error) => Err(CommitError::Failed(error.0)),
            };
            if let Err(error) = buried {
                // They are out of memory, and are found again at the next start.
                inner.warn(&format!("dead letters could not be saved: {error}"));
                inner.host.sleep(STORE_PAUSE).await;
            }
            if inner.stopped.get() {
                return;
            }
        }
    }

    async fn read_all(&self, names: &[String]) -> Result<Vec<(String, Vec<u8>)>, StorageFailed> {
        let mut records = Vec::new();
        for name in names {
            let value = self.0.host.get(name).await?;
            records.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(records)
    }
}

impl<H: Host> Inner<H> {
    /// Takes the oldest of too many deliveries out of the queues: their records' names.
    fn take_oldest(&self) -> Vec<String> {
        let time = self.time();
        let mut outbox = self.outbox.borrow_mut();
        let mut names = Vec::new();
        while outbox.pending() > MAX_PENDING && names.len() < PAGE as usize {
            let Some((key, to)) = outbox.oldest() else {
                break;
            };
            outbox.with(to, time, |queue, _| queue.remove(key, time));
            names.push(record::delivery(to, key));
        }
        names
    }
}
