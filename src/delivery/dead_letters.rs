//! Dead letters: deliveries that were given up, each with its reason.

use std::cell::{Cell, RefCell};

use tokio::sync::{Mutex, MutexGuard};

use crate::door::DoorEvent;
use crate::driver::{Driver, Inner, STORE_PAUSE};
use crate::host::{Change, CommitError, Host, StorageFailed};
use crate::kept::Kind;
use crate::key::Key;
use crate::pages::PAGE;
use crate::record::{self, DeadRecord, DeliveryRecord, Version};
use crate::sorted::SortedSet;
use crate::subscription::SubscriptionId;

/// How many deliveries may be pending.
const MAX_PENDING: usize = 200_000;

/// Why deliveries to a disabled subscriber are given up.
const DISABLED: &str = "its subscription is disabled: the receiver said that it is gone";
/// Why the oldest delivery is given up.
const TOO_MANY: &str = "there were more than 200,000 pending deliveries";

/// Whose turn it is to change what is kept of deliveries that were given up, and which are under way.
#[derive(Default)]
pub(crate) struct DeadLetters {
    /// Held by whoever reads records to give them up or to send them again, until that is written.
    turn: Mutex<()>,
    /// The deliveries whose dead letters are being saved.
    burying: RefCell<SortedSet<(SubscriptionId, Key)>>,
    /// A task gives up what is too much.
    is_shedding: Cell<bool>,
}

/// A delivery that is given up.
pub(crate) struct Death<'a> {
    pub(crate) to: SubscriptionId,
    pub(crate) key: Key,
    pub(crate) attempts: u32,
    pub(crate) reason: &'a str,
}

impl DeadLetters {
    /// Waits for the turn to change what pending and dead records there are.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Whether a delivery's dead letter is being saved.
    pub(super) fn is_burying(&self, to: SubscriptionId, key: Key) -> bool {
        self.burying.borrow().contains(&(to, key))
    }
}

impl<H: Host> Inner<H> {
    /// The change that keeps a dead letter. Whoever commits it commits the last key with it.
    pub(crate) fn dead_letter(&self, death: Death<'_>, id: &str, event: &DoorEvent) -> Change {
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
        record::put(record::dead(self.next_key()), &record)
    }

    /// A delivery's dead letter is saved. Whether this was not known.
    fn buried(&self, to: SubscriptionId, key: Key) -> bool {
        self.with_queue(to, |queue, _, time| queue.remove(key, time));
        self.dead_letters.burying.borrow_mut().remove(&(to, key))
    }

    /// A delivery's dead letter was not saved: it is pending as before.
    fn not_buried(&self, to: SubscriptionId, key: Key, record: DeliveryRecord) {
        self.dead_letters.burying.borrow_mut().remove(&(to, key));
        if !self.unsettled.contains(to, key) {
            self.doubts.found(to, key);
            self.with_queue(to, |queue, bytes, time| {
                // The last attempt of it may have ended meanwhile, and taken it out.
                if !queue.contains(key) {
                    queue.restore(key, record, bytes, time);
                }
            });
        }
    }

    /// Whether the store has a delivery for sure: it is pending, and no dead letter of it was saved.
    pub(super) fn is_kept(&self, to: SubscriptionId, key: Key) -> bool {
        let outbox = self.outbox.borrow();
        let is_pending = outbox.get(to).is_some_and(|queue| queue.contains(key));
        is_pending && !self.dead_letters.is_burying(to, key)
    }

    /// Whether a subscriber is disabled.
    pub(crate) fn is_disabled(&self, to: SubscriptionId) -> bool {
        let outbox = self.outbox.borrow();
        outbox
            .get(to)
            .is_some_and(|queue| queue.health.is_disabled())
    }

    /// The change that makes a dead letter of what the subscriber would be sent, if it is disabled.
    pub(crate) fn dead_on_arrival(
        &self,
        to: SubscriptionId,
        key: Key,
        id: &str,
        event: &DoorEvent,
    ) -> Option<Change> {
        let death = Death {
            to,
            key,
            attempts: 0,
            reason: DISABLED,
        };
        self.is_disabled(to)
            .then(|| self.dead_letter(death, id, event))
    }
}

impl<H: Host + 'static> Driver<H> {
    /// Makes dead letters of all that is pending for a subscriber, in the background, as long as it is
    /// disabled.
    pub(crate) fn bury_all(&self, to: SubscriptionId) {
        let driver = self.clone();
        self.0
            .tasks
            .spawn(async move { while driver.bury_page(to).await {} });
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

    /// Whether there may be another page.
    async fn bury_page(&self, to: SubscriptionId) -> bool {
        let inner = &*self.0;
        let turn = inner.dead_letters.turn().await;
        let page = inner
            .host
            .scan(&record::deliveries_to(to), None, PAGE)
            .await;
        // If it was opened, also while the page was read, what is pending is sent.
        if !inner.is_disabled(to) {
            return false;
        }
        let buried = match page {
            Ok(page) if page.is_empty() => return false,
            Ok(page) => self.bury(page, DISABLED).await,
            Err(error) => Err(error.into()),
        };
        drop(turn);
        self.pause_after(buried).await;
        true
    }

    /// Leaves the store alone for a while if nothing came of a burial: it failed, or what was to be
    /// buried is being settled.
    async fn pause_after(&self, buried: Result<usize, CommitError>) {
        let inner = &*self.0;
        if let Err(error) = &buried {
            inner.warn(&format!("dead letters could not be saved: {error}"));
        }
        if buried.is_ok_and(|count| count > 0) {
            return;
        }
        inner.host.sleep(STORE_PAUSE).await;
    }

    /// Makes dead letters of pending deliveries, as the store has them, and takes them out of their
    /// queues; how many. The caller has the turn. One that is settled already is left alone; one that
    /// cannot be read is dropped.
    pub(crate) async fn bury(
        &self,
        page: Vec<(String, Vec<u8>)>,
        reason: &str,
    ) -> Result<usize, CommitError> {
        let inner = &*self.0;
        let mut changes = Vec::new();
        let mut taken = Vec::new();
        let mut deaths = 0;
        let mut gone = 0;
        for (name, value) in page {
            let names = record::subscriber_of(&name).zip(record::key_of(&name));
            match (names, record::decode::<DeliveryRecord>(&name, &value)) {
                (Some((to, key)), _) if inner.unsettled.contains(to, key) => continue,
                (Some((to, key)), Ok(record)) => {
                    let death = Death {
                        to,
                        key,
                        attempts: record.attempts,
                        reason,
                    };
                    changes.push(inner.dead_letter(death, &record.event_id, &record.event));
                    deaths += 1;
                    // Whoever looks for events in doubt leaves it to this.
                    inner.doubts.found(to, key);
                    inner.dead_letters.burying.borrow_mut().insert((to, key));
                    taken.push((to, key));
                }
                (_, Err(why)) => inner.warn(&why),
                (None, _) => inner.warn(&format!("the record {name} has no key")),
            }
            changes.push(Change::Delete { key: name });
            gone += 1;
        }
        if gone == 0 {
            return Ok(0);
        }
        changes.push(inner.last_key_record());
        if let Err(error) = inner.host.commit(changes).await {
            for (to, key) in &taken {
                inner.with_queue(*to, |queue, _, _| queue.forget_message(*key));
            }
            let driver = self.clone();
            inner
                .tasks
                .spawn(async move { driver.make_sure_of(taken).await });
            return Err(error);
        }
        for (to, key) in taken {
            inner.buried(to, key);
        }
        inner.kept.add(Kind::Dead, deaths);
        inner.touch();
        Ok(gone)
    }

    /// The commit of dead letters failed, and may have been made all the same. As soon as the store
    /// answers, those deliveries are taken out that it has no more. Until then each attempt of them
    /// reads the store again.
    async fn make_sure_of(&self, taken: Vec<(SubscriptionId, Key)>) {
        let inner = &*self.0;
        for (to, key) in taken {
            let name = record::delivery(to, key);
            let (_turn, found) = loop {
                let turn = inner.dead_letters.turn().await;
                match inner.host.get(&name).await {
                    Ok(found) => break (turn, found),
                    Err(_) => {
                        drop(turn);
                        inner.host.sleep(STORE_PAUSE).await;
                    }
                }
            };
            match found {
                Some(value) => match record::decode(&name, &value) {
                    Ok(record) => inner.not_buried(to, key, record),
                    Err(why) => inner.warn(&why),
                },
                None => inner
                    .kept
                    .add(Kind::Dead, usize::from(inner.buried(to, key))),
            }
        }
        inner.touch();
    }

    async fn shed_oldest(&self) {
        let inner = &*self.0;
        loop {
            let turn = inner.dead_letters.turn().await;
            let names = inner.oldest_of_too_many();
            if names.is_empty() {
                return;
            }
            inner.overflows();
            let buried = match self.read_all(&names).await {
                Ok(page) => self.bury(page, TOO_MANY).await,
                Err(error) => Err(error.into()),
            };
            drop(turn);
            self.pause_after(buried).await;
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
    /// The names of the oldest deliveries, as many of them as are too many.
    fn oldest_of_too_many(&self) -> Vec<String> {
        let outbox = self.outbox.borrow();
        let surplus = outbox.pending().saturating_sub(MAX_PENDING);
        let oldest = outbox.oldest_of(surplus.min(PAGE as usize));
        let names = oldest.iter();
        names.map(|(key, to)| record::delivery(*to, *key)).collect()
    }
}
