//! Events whose commit failed and may have been made all the same.
//!
//! Whoever offered one was told that it is not known to be saved. If the store has it, it is
//! accepted, and has to be sent now and not only after a restart.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::delivery::Message;
use crate::driver::{Driver, STORE_PAUSE};
use crate::host::{Host, StorageFailed};
use crate::key::Key;
use crate::record::{self, DeliveryRecord};
use crate::sorted::{SortedMap, SortedSet};
use crate::subscription::SubscriptionId;

/// How many are remembered. Beyond it, what the store has is found at the next start.
const MAX: usize = 10_000;

/// The events that are in doubt.
#[derive(Default)]
pub(crate) struct Doubts {
    /// Their keys, and the subscribers whose deliveries of them were found meanwhile.
    keys: RefCell<SortedMap<Key, SortedSet<SubscriptionId>>>,
    /// A task looks for them.
    is_watched: Cell<bool>,
}

impl Doubts {
    /// A delivery was found in the store. Whether its event is in doubt, and this was not known: only
    /// then is it to be sent because of it.
    pub(crate) fn found(&self, to: SubscriptionId, key: Key) -> bool {
        let mut keys = self.keys.borrow_mut();
        keys.get_mut(&key).is_some_and(|known| known.insert(to))
    }
}

impl<H: Host + 'static> Driver<H> {
    /// The commit of the event `key` failed.
    pub(crate) fn doubt(&self, key: Key) {
        let doubts = &self.0.doubts;
        if doubts.keys.borrow().len() < MAX {
            let mut keys = doubts.keys.borrow_mut();
            keys.get_or_insert_with(key, SortedSet::default);
        }
        if doubts.is_watched.replace(true) {
            return;
        }
        let driver = self.clone();
        self.0.tasks.spawn(async move {
            let doubts = &driver.0.doubts;
            while !doubts.keys.borrow().is_empty() {
                driver.0.host.sleep(STORE_PAUSE).await;
                // A store that still fails was told of when the commits failed.
                let _ = driver.clear_doubts().await;
            }
            doubts.is_watched.set(false);
        });
    }

    /// Looks whether the store has the events in doubt, and has those sent that it has.
    pub(crate) async fn clear_doubts(&self) -> Result<(), StorageFailed> {
        let inner = &*self.0;
        loop {
            let first = inner.doubts.keys.borrow().keys().next().copied();
            let Some(key) = first else {
                return Ok(());
            };
            if inner.host.get(&record::seen_at(key)).await?.is_some() {
                self.enqueue_stored(key).await?;
            }
            inner.doubts.keys.borrow_mut().remove(&key);
        }
    }

    async fn enqueue_stored(&self, key: Key) -> Result<(), StorageFailed> {
        let inner = &*self.0;
        let subscriptions = inner.state.borrow().subscriptions.clone();
        for to in subscriptions.keys() {
            let name = record::delivery(*to, key);
            let Some(value) = inner.host.get(&name).await? else {
                continue;
            };
            // It may have been found in another way meanwhile, and be delivered by now.
            if !inner.doubts.found(*to, key) {
                continue;
            }
            match record::decode::<DeliveryRecord>(&name, &value) {
                Ok(record) => self.enqueue(*to, key, Rc::new(Message::from(record))),
                Err(why) => inner.warn(&why),
            }
        }
        inner.tasks.bell().ring();
        Ok(())
    }
}
