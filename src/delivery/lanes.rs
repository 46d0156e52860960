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
mod tests;
