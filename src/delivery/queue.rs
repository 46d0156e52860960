//! What one subscriber has yet to get: the head of it in memory, and where the rest begins.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::door::DoorEvent;
use crate::key::Key;
use crate::record::{DeliveryRecord, Version};

use super::retry;

/// The most deliveries of one subscriber in memory.
const IN_MEMORY: usize = 512;
/// The most attempts in flight to one subscriber.
const IN_FLIGHT: usize = 32;
/// What a delivery takes in memory besides its event, in bytes.
const OVERHEAD: usize = 256;

/// An event that a subscriber has yet to get.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(super) event_id: Rc<str>,
    /// Shared by the deliveries of one event, as long as it is not read from the store.
    pub(super) event: Rc<DoorEvent>,
    /// Attempts made.
    pub(super) attempts: u32,
    /// Not before this time, in milliseconds since 1970.
    pub(super) next: u64,
    pub(super) in_flight: bool,
}

impl Delivery {
    /// What the subscriber is to be told.
    pub(crate) fn event(&self) -> Rc<DoorEvent> {
        Rc::clone(&self.event)
    }

    fn bytes(&self) -> usize {
        let event = &self.event;
        let texts = [&event.card_id, &event.user_name, &event.user_email];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        OVERHEAD
            + self.event_id.len()
            + event.door_id.as_str().len()
            + event.action.as_str().len()
            + texts
    }
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
            event_id: event_id.into(),
            event: Rc::new(event),
            attempts,
            next,
            in_flight: false,
        }
    }
}

impl From<&Delivery> for DeliveryRecord {
    fn from(delivery: &Delivery) -> Self {
        Self {
            v: Version,
            event_id: delivery.event_id.as_ref().to_owned(),
            event: (*delivery.event).clone(),
            attempts: delivery.attempts,
            next: delivery.next,
        }
    }
}

/// The deliveries to one subscriber.
#[derive(Default)]
pub(super) struct Queue {
    deliveries: BTreeMap<Key, Delivery>,
    /// What they take in memory.
    bytes: usize,
    /// The highest key that was ever read or taken in: the next page follows it.
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
    /// One of which nothing is in memory yet.
    pub(super) fn in_store() -> Self {
        Self {
            backlog: Backlog::InStore,
            ..Self::default()
        }
    }

    /// Takes in a delivery that was committed, or leaves it in the store if it is not its turn, or
    /// if there is no room for it in `most` bytes.
    pub(super) fn insert(&mut self, key: Key, delivery: Delivery, most: usize) {
        if self.read_to.is_some_and(|read_to| key <= read_to) {
            // Accepted before one that is here, but its call came to know of it later.
            self.put(key, delivery);
            return;
        }
        let has_room = self.has_room_for(&delivery, most);
        match &mut self.backlog {
            Backlog::InStore => {}
            Backlog::Reading { and_more } => *and_more = true,
            Backlog::Empty if !has_room => self.backlog = Backlog::InStore,
            Backlog::Empty => {
                self.read_to = Some(key);
                self.put(key, delivery);
            }
        }
    }

    /// Whether a page should be read now. Whoever asks reads it.
    pub(super) fn wants_page(&self, most: usize) -> bool {
        let has_room = self.deliveries.len() < IN_MEMORY / 2 && self.bytes < most / 2;
        self.backlog == Backlog::InStore && has_room
    }

    pub(super) fn is_reading(&self) -> bool {
        matches!(self.backlog, Backlog::Reading { .. })
    }

    /// A page is being read, which follows the key that is returned.
    pub(super) fn begin_page(&mut self) -> Option<Key> {
        self.backlog = Backlog::Reading { and_more: false };
        self.read_to
    }

    /// Takes in as much of a page as there is room for. A record that cannot be read is passed over.
    pub(super) fn end_page(
        &mut self,
        page: Vec<(Key, Option<Delivery>)>,
        is_last: bool,
        most: usize,
    ) {
        let and_more = self.backlog == Backlog::Reading { and_more: true };
        for (key, delivery) in page {
            if delivery
                .as_ref()
                .is_some_and(|delivery| !self.has_room_for(delivery, most))
            {
                self.backlog = Backlog::InStore;
                return;
            }
            self.read_to = self.read_to.max(Some(key));
            if let Some(delivery) = delivery {
                self.put(key, delivery);
            }
        }
        self.backlog = if is_last && !and_more {
            Backlog::Empty
        } else {
            Backlog::InStore
        };
    }

    /// The page could not be read.
    pub(super) fn give_up_page(&mut self) {
        self.backlog = Backlog::InStore;
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Delivery> {
        self.deliveries.get_mut(&key)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Delivery> {
        let delivery = self.deliveries.remove(&key)?;
        self.bytes -= delivery.bytes();
        Some(delivery)
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

    /// Room for one there always is: a subscriber must not starve for the size of others' events.
    fn has_room_for(&self, delivery: &Delivery, most: usize) -> bool {
        let fits = self.deliveries.len() < IN_MEMORY && self.bytes + delivery.bytes() <= most;
        self.deliveries.is_empty() || fits
    }

    fn put(&mut self, key: Key, delivery: Delivery) {
        if !self.deliveries.contains_key(&key) {
            self.bytes += delivery.bytes();
            self.deliveries.insert(key, delivery);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUCH: usize = 1 << 20;

    fn delivery(name: &str) -> Delivery {
        let json = format!(
            r#"{{"door_id":"lobby","action":"granted","timestamp":1,"user_name":"{name}"}}"#
        );
        let event = Rc::new(DoorEvent::parse(&json, 0).unwrap());
        Delivery {
            event_id: "id".into(),
            event,
            attempts: 0,
            next: 0,
            in_flight: false,
        }
    }

    fn keys(count: usize) -> Vec<Key> {
        std::iter::successors(Some(Key::ZERO.next(0)), |key| Some(key.next(0)))
            .take(count)
            .collect()
    }

    #[test]
    fn what_does_not_fit_stays_in_the_store_and_comes_by_pages() {
        let keys = keys(600);
        let mut queue = Queue::default();
        for key in &keys {
            queue.insert(*key, delivery("Ann"), MUCH);
        }
        assert_eq!(queue.due(0, 1000), keys[..IN_FLIGHT]);
        assert!(!queue.wants_page(MUCH), "more than half is still there");
        for key in &keys[..300] {
            queue.remove(*key).unwrap();
        }
        assert!(queue.wants_page(MUCH));
        assert_eq!(queue.begin_page(), Some(keys[511]));
        let page = keys[512..]
            .iter()
            .map(|key| (*key, Some(delivery("Ann"))))
            .collect();
        queue.end_page(page, true, MUCH);
        assert!(!queue.wants_page(MUCH));
        for key in &keys[300..] {
            queue.remove(*key).unwrap();
        }
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn large_events_are_bounded_by_their_bytes_but_one_always_fits() {
        let keys = keys(10);
        let large = "x".repeat(10_000);
        let mut queue = Queue::default();
        for key in &keys {
            queue.insert(*key, delivery(&large), 25_000);
        }
        assert_eq!(queue.due(0, 1000), keys[..2]);
        let mut queue = Queue::in_store();
        queue.begin_page();
        queue.end_page(
            keys.iter()
                .map(|key| (*key, Some(delivery(&large))))
                .collect(),
            true,
            100,
        );
        assert_eq!(queue.due(0, 1000), keys[..1]);
        queue.remove(keys[0]);
        assert!(queue.wants_page(100));
        assert_eq!(queue.begin_page(), Some(keys[0]));
    }

    #[test]
    fn one_that_is_committed_while_a_page_is_read_is_not_lost() {
        let keys = keys(3);
        let mut queue = Queue::in_store();
        queue.begin_page();
        queue.insert(keys[1], delivery("Ann"), MUCH);
        queue.end_page(vec![(keys[0], Some(delivery("Bob")))], true, MUCH);
        assert!(queue.wants_page(MUCH), "the page may not have held it");
        queue.begin_page();
        queue.end_page(vec![(keys[1], Some(delivery("Ann")))], true, MUCH);
        assert!(!queue.wants_page(MUCH));
        assert_eq!(queue.due(0, 1000), keys[..2]);
    }

    #[test]
    fn a_page_of_records_that_cannot_be_read_is_passed_over() {
        let keys = keys(2);
        let mut queue = Queue::in_store();
        queue.begin_page();
        queue.end_page(vec![(keys[0], None), (keys[1], None)], false, MUCH);
        assert_eq!(queue.begin_page(), Some(keys[1]));
    }
}
