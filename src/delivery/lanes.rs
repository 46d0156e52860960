//! The order of one subscriber's deliveries. Plain data, without a clock.
//!
//! The deliveries of one door form a lane, in the order of acceptance. An attempt is made of its head
//! only, until that settles, or until [`BOUND`] after its first failure: then the head leaves the lane
//! and goes on by itself, as a poisoned event must not stop a door. One that goes by itself has a lane
//! of its own. Times are the subscriber's open time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;

use slab::Slab;

use crate::door::DoorId;
use crate::key::Key;
use crate::sorted::SortedMap;

use super::message::{History, Message};

/// How long a lane waits for its head after that has failed first, in milliseconds.
const BOUND: u64 = 60_000;
/// How many messages are in memory. Of other deliveries there is only the key.
const MESSAGES: usize = 512;
/// After so many probes in a row of each lane that the receiver itself has answered, the lanes' next
/// deliveries are tried.
const PROBES_A_DELIVERY: usize = 5;

/// All lanes of a subscriber.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: Slab<Lane>,
    by_door: SortedMap<DoorId, usize>,
    /// Those whose head is due, in the order in which they came to be. One that is not marked so
    /// any more is passed over.
    ready: VecDeque<usize>,
    /// When a head must be looked at again. One that is not head any more is passed over.
    alarms: BinaryHeap<Reverse<(u64, usize, Key)>>,
    /// The deliveries that attempts are made of now, and their lanes.
    in_flight: Vec<(Key, usize)>,
    len: usize,
    messages: usize,
    bytes: usize,
    /// The lane that was probed last.
    probed: Option<usize>,
}

/// Deliveries in their order; never empty.
struct Lane {
    /// `None` for one that goes by itself.
    door: Option<DoorId>,
    items: VecDeque<Item>,
    is_ready: bool,
    is_in_flight: bool,
}

struct Item {
    key: Key,
    message: Option<Rc<Message>>,
    history: Option<Box<History>>,
}

/// A delivery that an attempt is to be made of.
pub(super) struct Picked {
    pub(super) key: Key,
    /// What is to be said; `None` if that has to be read.
    pub(super) message: Option<Rc<Message>>,
}

impl Lanes {
    /// Takes a delivery in, at its place. Its message stays in memory if there is room in `bytes`.
    pub(super) fn insert(
        &mut self,
        key: Key,
        message: Rc<Message>,
        history: Option<History>,
        bytes: usize,
        now: u64,
    ) {
        let found = self.by_door.get(&message.event.door_id).copied();
        let door = found.is_none().then(|| message.event.door_id.clone());
        let has_room = self.messages < MESSAGES && self.bytes + message.bytes() <= bytes;
        let item = Item {
            key,
            message: has_room.then_some(message),
            history: history.map(Box::new),
        };
        let held = item.bytes();
        let (index, nth) = match found {
            Some(index) => match self.lanes[index].insert(item) {
                Some(nth) => (index, nth),
                None => return,
            },
            None => (self.add(door, item), 0),
        };
        self.len += 1;
        self.messages += usize::from(has_room);
        self.bytes += held;
        if nth == 0 {
            self.arm(index, now);
        }
    }

    /// How many deliveries there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All keys, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        let lanes = self.lanes.iter();
        lanes.flat_map(|(_, lane)| lane.items.iter().map(|item| item.key))
    }

    /// The key of the oldest.
    pub(super) fn oldest(&self) -> Option<Key> {
        self.lanes.iter().map(|(_, lane)| lane.items[0].key).min()
    }

    /// Whether there is a lane that nothing is in flight of.
    pub(super) fn has_free(&self) -> bool {
        self.lanes.len() > self.in_flight.len()
    }

    /// When a head is due: now, or not before the time that is returned; `None` if there is no head
    /// that waits.
    pub(super) fn due(&mut self, now: u64) -> Option<u64> {
        self.look(now);
        while let Some(index) = self.ready.front() {
            if self.lanes.get(*index).is_some_and(|lane| lane.is_ready) {
                return Some(now);
            }
            self.ready.pop_front();
        }
        self.alarms.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next delivery that is due; it is in flight from now on.
    pub(super) fn take(&mut self, now: u64) -> Option<Picked> {
        self.look(now);
        while let Some(index) = self.ready.pop_front() {
            if self.lanes.get(index).is_some_and(|lane| lane.is_ready) {
                return Some(self.pick(index, 0));
            }
        }
        None
    }

    /// Takes the delivery that a probe is to be made with, whenever it is due; it is in flight from
    /// now on. It is the head of the next lane in turn. But the heads may be what the receiver does not
    /// like: after enough probes of each that it `answered`, the lanes' next deliveries are taken.
    pub(super) fn probe(&mut self, answered: u32) -> Option<Picked> {
        let free = |(_, lane): &(usize, &Lane)| !lane.is_in_flight;
        let (index, lane) = {
            let later = self
                .lanes
                .iter()
                .filter(free)
                .find(|(index, _)| Some(*index) > self.probed);
            later.or_else(|| self.lanes.iter().find(free))?
        };
        let rounds = answered as usize / self.lanes.len();
        let nth = rounds / PROBES_A_DELIVERY % lane.items.len();
        self.probed = Some(index);
        Some(self.pick(index, nth))
    }

    /// What was tried of a delivery; `None` if it is not here any more.
    pub(super) fn history(&self, key: Key) -> Option<History> {
        let (index, nth) = self.find(key)?;
        let history = self.lanes[index].items[nth].history.as_deref();
        Some(history.copied().unwrap_or_default())
    }

    /// Lets go of a delivery's message: it has to be read.
    pub(super) fn forget_message(&mut self, key: Key) {
        let Some((index, nth)) = self.find(key) else {
            return;
        };
        if let Some(message) = self.lanes[index].items[nth].message.take() {
            self.messages -= 1;
            self.bytes -= message.bytes();
        }
    }

    /// The attempt of a delivery has ended; it goes on with this history.
    pub(super) fn put_back(&mut self, key: Key, history: History, now: u64) {
        let found = self.find(key);
        self.land(key);
        if let Some((index, nth)) = found {
            self.lanes[index].items[nth].history = Some(Box::new(history));
            self.arm(index, now);
        }
    }

    /// Takes a delivery out, if it is here.
    pub(super) fn remove(&mut self, key: Key, now: u64) -> bool {
        let found = self.find(key);
        self.land(key);
        let Some((index, nth)) = found else {
            return false;
        };
        let lane = &mut self.lanes[index];
        lane.is_ready &= nth > 0;
        if let Some(item) = lane.items.remove(nth) {
            self.len -= 1;
            self.messages -= usize::from(item.message.is_some());
            self.bytes -= item.bytes();
        }
        self.tidy(index, now);
        true
    }

    /// The subscriber is open again: what has failed since its last success is due.
    pub(super) fn open(&mut self, healthy_at: Option<u64>, now: u64) {
        let mut heads = Vec::with_capacity(self.lanes.len());
        for (index, lane) in &mut self.lanes {
            lane.is_ready = false;
            heads.push((lane.items[0].key, index));
            for history in lane
                .items
                .iter_mut()
                .filter_map(|item| item.history.as_mut())
            {
                if history.last_failed >= healthy_at {
                    history.next = now;
                }
            }
        }
        heads.sort_unstable();
        self.ready.clear();
        self.alarms.clear();
        for (_, index) in heads {
            self.arm(index, now);
        }
    }

    fn add(&mut self, door: Option<DoorId>, item: Item) -> usize {
        let index = self.lanes.insert(Lane {
            door: door.clone(),
            items: VecDeque::from([item]),
            is_ready: false,
            is_in_flight: false,
        });
        if let Some(door) = door {
            self.by_door.insert(door, index);
        }
        index
    }

    fn pick(&mut self, index: usize, nth: usize) -> Picked {
        let lane = &mut self.lanes[index];
        lane.is_ready = false;
        lane.is_in_flight = true;
        let item = &lane.items[nth];
        self.in_flight.push((item.key, index));
        Picked {
            key: item.key,
            message: item.message.clone(),
        }
    }

    /// A delivery is not in flight any more, if it was.
    fn land(&mut self, key: Key) {
        if let Some(nth) = self.in_flight.iter().position(|(flying, _)| *flying == key) {
            let (_, index) = self.in_flight.swap_remove(nth);
            // A lane that has something in flight is not removed.
            self.lanes[index].is_in_flight = false;
        }
    }

    /// Looks at the heads whose time has come.
    fn look(&mut self, now: u64) {
        while let Some(Reverse((at, index, key))) = self.alarms.peek().copied()
            && at <= now
        {
            self.alarms.pop();
            if self
                .lanes
                .get(index)
                .is_some_and(|lane| lane.items[0].key == key)
            {
                self.arm(index, now);
            }
        }
    }

    /// Something has left a lane.
    fn tidy(&mut self, index: usize, now: u64) {
        if !self.lanes[index].items.is_empty() {
            self.arm(index, now);
        } else if let Some(door) = self.lanes.remove(index).door {
            self.by_door.remove(&door);
        }
    }

    /// Makes the head of a lane ready, or sees to it that it is looked at in time. Heads that the lane
    /// has waited for long enough leave it.
    fn arm(&mut self, index: usize, now: u64) {
        while self.waits_too_long(index, now) {
            let Some(head) = self.lanes[index].items.pop_front() else {
                return;
            };
            let alone = self.add(None, head);
            self.schedule(alone, now);
            if self.lanes[index].items.is_empty() {
                self.tidy(index, now);
                return;
            }
        }
        self.schedule(index, now);
    }

    fn waits_too_long(&self, index: usize, now: u64) -> bool {
        let lane = &self.lanes[index];
        let is_idle = !lane.is_in_flight && !lane.is_ready;
        is_idle && lane.bound().is_some_and(|bound| bound <= now)
    }

    fn schedule(&mut self, index: usize, now: u64) {
        let lane = &mut self.lanes[index];
        if lane.is_in_flight || lane.is_ready {
            return;
        }
        let head = &lane.items[0];
        let next = head.history.as_ref().map_or(0, |history| history.next);
        if next <= now {
            lane.is_ready = true;
            self.ready.push_back(index);
            return;
        }
        self.alarms.push(Reverse((next, index, head.key)));
        if let Some(bound) = lane.bound() {
            self.alarms.push(Reverse((bound, index, head.key)));
        }
    }

    /// The lane of a delivery, and its place there.
    fn find(&self, key: Key) -> Option<(usize, usize)> {
        let flying = self.in_flight.iter().find(|(flying, _)| *flying == key);
        if let Some((_, index)) = flying {
            return Some((*index, self.lanes[*index].find(key).ok()?));
        }
        let mut lanes = self.lanes.iter();
        lanes.find_map(|(index, lane)| Some((index, lane.find(key).ok()?)))
    }
}

impl Lane {
    /// Until when the lane waits for its head, if that has failed.
    fn bound(&self) -> Option<u64> {
        self.door.as_ref()?;
        let failed = self.items[0].history.as_ref()?.first_failed?;
        Some(failed.saturating_add(BOUND))
    }

    /// Takes an item in at its place, which is returned; `None` if it is here already.
    fn insert(&mut self, item: Item) -> Option<usize> {
        let nth = self.find(item.key).err()?;
        self.is_ready &= nth > 0;
        self.items.insert(nth, item);
        Some(nth)
    }

    /// The place of a delivery, or where it would be.
    fn find(&self, key: Key) -> Result<usize, usize> {
        if self.items.back().is_none_or(|last| last.key < key) {
            return Err(self.items.len());
        }
        self.items.binary_search_by_key(&key, |item| item.key)
    }
}

impl Item {
    /// What its message takes in memory.
    fn bytes(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUCH: usize = 1 << 20;

    fn key(number: u64) -> Key {
        Key::ZERO.next(number)
    }

    fn message(door: &str) -> Rc<Message> {
        let json = format!(r#"{{"door_id":"{door}","action":"granted","timestamp":1}}"#);
        Rc::new(Message {
            id: "id".to_owned(),
            event: crate::door::DoorEvent::parse(&json, 0).unwrap(),
        })
    }

    fn lanes(deliveries: &[(u64, &str)]) -> Lanes {
        let mut lanes = Lanes::default();
        for (number, door) in deliveries {
            lanes.insert(key(*number), message(door), None, MUCH, 0);
        }
        lanes
    }

    fn failed_at(time: u64, next: u64) -> History {
        History {
            attempts: 1,
            next,
            first_failed: Some(time),
            last_failed: Some(time),
            ..History::default()
        }
    }

    fn take(lanes: &mut Lanes, now: u64) -> Vec<Key> {
        std::iter::from_fn(|| lanes.take(now).map(|picked| picked.key)).collect()
    }

    #[test]
    fn only_the_head_of_each_door_is_attempted() {
        let mut lanes = lanes(&[(1, "north"), (2, "south"), (3, "north"), (4, "south")]);
        assert_eq!(take(&mut lanes, 0), [key(1), key(2)]);
        assert!(lanes.remove(key(2), 0));
        assert_eq!(take(&mut lanes, 0), [key(4)]);
        assert!(lanes.remove(key(1), 0) && lanes.remove(key(4), 0));
        assert_eq!(take(&mut lanes, 0), [key(3)]);
        assert!(lanes.remove(key(3), 0) && !lanes.remove(key(3), 0));
        assert_eq!((lanes.len(), lanes.bytes, lanes.messages), (0, 0, 0));
        assert_eq!(lanes.due(0), None);
    }

    #[test]
    fn a_lane_waits_a_minute_for_a_head_that_failed_and_no_longer() {
        let mut lanes = lanes(&[(1, "north"), (2, "north")]);
        assert_eq!(take(&mut lanes, 0), [key(1)]);
        lanes.put_back(key(1), failed_at(0, 1_000), 0);
        assert_eq!(lanes.due(500), Some(1_000));
        assert_eq!(take(&mut lanes, 1_000), [key(1)]);
        lanes.put_back(key(1), failed_at(0, 600_000), 1_000);
        assert_eq!(lanes.due(59_999), Some(60_000));
        assert_eq!(take(&mut lanes, 60_000), [key(2)]);
        assert_eq!(lanes.due(60_000), Some(600_000));
        assert_eq!(take(&mut lanes, 600_000), [key(1)]);
    }

    #[test]
    fn any_number_that_went_by_themselves_do_so_again_after_a_restart() {
        let mut lanes = lanes(&[(1, "north")]);
        assert_eq!(take(&mut lanes, 100_000), [key(1)]);
        for number in 2..20_000 {
            let history = Some(failed_at(0, 200_000));
            lanes.insert(key(number), message("north"), history, MUCH, 100_000);
        }
        lanes.insert(key(20_000), message("north"), None, MUCH, 100_000);
        lanes.remove(key(1), 100_000);
        assert_eq!(take(&mut lanes, 100_000), [key(20_000)]);
        assert_eq!(take(&mut lanes, 200_000).len(), 19_998);
    }

    #[test]
    fn one_that_comes_late_takes_its_place() {
        let mut lanes = lanes(&[(5, "north"), (7, "north")]);
        assert_eq!(take(&mut lanes, 0), [key(5)]);
        for number in [6, 3, 6] {
            lanes.insert(key(number), message("north"), None, MUCH, 0);
        }
        assert_eq!((lanes.len(), lanes.oldest()), (4, Some(key(3))));
        assert_eq!(take(&mut lanes, 0), [], "one attempt at a time");
        lanes.remove(key(5), 0);
        for number in [3, 6, 7] {
            assert_eq!(take(&mut lanes, 0), [key(number)]);
            lanes.remove(key(number), 0);
        }
    }

    #[test]
    fn probes_take_the_heads_in_turn() {
        let mut lanes = lanes(&[(1, "north"), (2, "south"), (3, "west"), (4, "north")]);
        let mut probed = Vec::new();
        for _ in 0..4 {
            let picked = lanes.probe(9).unwrap();
            probed.push(picked.key);
            lanes.put_back(picked.key, History::default(), 0);
        }
        assert_eq!(probed, [key(1), key(2), key(3), key(1)]);
    }

    #[test]
    fn probes_try_the_next_delivery_after_five_answers() {
        let mut lanes = lanes(&[(1, "north"), (2, "north"), (3, "north")]);
        let mut probed = Vec::new();
        for answered in [0, 4, 5, 9, 10, 15] {
            let picked = lanes.probe(answered).unwrap();
            probed.push(picked.key);
            assert!(lanes.probe(answered).is_none(), "it is in flight");
            lanes.put_back(picked.key, History::default(), 0);
        }
        assert_eq!(probed, [1, 1, 2, 2, 3, 1].map(key));
    }

    #[test]
    fn what_failed_since_the_last_success_is_due_when_the_subscriber_opens() {
        let mut lanes = lanes(&[(1, "north"), (2, "south")]);
        assert_eq!(take(&mut lanes, 0).len(), 2);
        lanes.put_back(key(1), failed_at(100, 900_000), 100);
        lanes.put_back(key(2), failed_at(300, 900_000), 300);
        lanes.open(Some(200), 400);
        assert_eq!(take(&mut lanes, 400), [key(2)]);
        lanes.open(None, 400);
        assert_eq!(take(&mut lanes, 400), [key(1)]);
    }

    #[test]
    fn beyond_so_many_messages_only_the_keys_are_in_memory() {
        let mut lanes = Lanes::default();
        for number in 0..600 {
            lanes.insert(key(number), message("north"), None, MUCH, 0);
        }
        assert_eq!((lanes.len(), lanes.messages), (600, 512));
        for number in 0..600 {
            let picked = lanes.take(0).unwrap();
            assert_eq!(picked.key, key(number));
            assert_eq!(picked.message.is_some(), number < 512);
            lanes.remove(picked.key, 0);
        }
        let bytes = message("north").bytes();
        for number in 0..3 {
            lanes.insert(key(number), message("north"), None, 2 * bytes, 0);
        }
        assert_eq!((lanes.len(), lanes.messages), (3, 2));
    }
}
