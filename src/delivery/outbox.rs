//! All subscribers' queues, and whose turn it is. Plain policy, without a clock.

use crate::key::Key;
use crate::sorted::{SortedMap, SortedSet};
use crate::subscription::SubscriptionId;

use super::health::Health;
use super::lanes::Picked;
use super::queue::{Flight, PageStart, Queue, Start};

/// The most attempts in flight in all. Half of it would have a burst of a hundred events, for a hundred
/// subscribers that take a tenth of a second each, last for a second, however fast this is.
const IN_FLIGHT: usize = 2048;
/// How many pages of the store may be read at once.
const READS: usize = 4;
/// What the messages in memory may take, in bytes, divided among the subscribers.
const BYTES: usize = 16 << 20;
/// But each has so much.
const BYTES_A_QUEUE: usize = 64 << 10;

/// What all subscribers have yet to get.
#[derive(Default)]
pub(crate) struct Outbox {
    queues: SortedMap<SubscriptionId, Entry>,
    hungry: Hungry,
    /// When others become so.
    alarms: SortedSet<(u64, SubscriptionId)>,
    /// Those that a page of the store should be read for.
    unread: SortedSet<SubscriptionId>,
    in_flight: usize,
    pending: usize,
}

#[derive(Default)]
struct Entry {
    queue: Queue,
    counted: Counted,
}

/// What of a queue is counted elsewhere.
#[derive(Clone, Copy, Default)]
struct Counted {
    in_flight: usize,
    pending: usize,
    turn: Option<Turn>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// With so many in flight.
    Hungry(usize),
    Alarm(u64),
}

/// Those that an attempt may be made to now, by how many are in flight to each: each attempt moves its subscriber
/// up and down again, and with all of them in one sorted vector would move half of the others too.
#[derive(Default)]
struct Hungry(Vec<SortedSet<SubscriptionId>>);

impl Hungry {
    /// One of those with the fewest in flight.
    fn first(&self) -> Option<SubscriptionId> {
        self.0.iter().find_map(SortedSet::first).copied()
    }

    fn insert(&mut self, in_flight: usize, id: SubscriptionId) {
        if self.0.len() <= in_flight {
            self.0.resize_with(in_flight + 1, SortedSet::default);
        }
        self.0[in_flight].insert(id);
    }

    fn remove(&mut self, in_flight: usize, id: SubscriptionId) {
        self.0[in_flight].remove(&id);
    }
}

impl Outbox {
    /// Adds a subscriber that an earlier instance knew.
    pub(super) fn restore(&mut self, id: SubscriptionId, health: Health, time: u64) {
        let entry = Entry {
            queue: Queue::in_store(health),
            ..Entry::default()
        };
        self.queues.insert(id, entry);
        self.with(id, time, |_, _| ());
    }

    /// Adds a subscriber, if it is not here.
    pub(super) fn add(&mut self, id: SubscriptionId) {
        self.queues.get_or_insert_with(id, Entry::default);
    }

    /// Forgets a subscriber.
    pub(super) fn forget(&mut self, id: SubscriptionId) {
        self.count(id, None);
        self.queues.remove(&id);
    }

    /// Those that are here.
    pub(super) fn queues(&self) -> impl Iterator<Item = (SubscriptionId, &Queue)> {
        self.queues.iter().map(|(id, entry)| (*id, &entry.queue))
    }

    pub(super) fn get(&self, id: SubscriptionId) -> Option<&Queue> {
        self.queues.get(&id).map(|entry| &entry.queue)
    }

    /// Does something with a queue, which may keep so many bytes of messages in memory.
    pub(super) fn with<T>(
        &mut self,
        id: SubscriptionId,
        time: u64,
        then: impl FnOnce(&mut Queue, usize) -> T,
    ) -> Option<T> {
        let bytes = (BYTES / self.queues.len().max(1)).max(BYTES_A_QUEUE);
        let done = then(&mut self.queues.get_mut(&id)?.queue, bytes);
        self.count(id, Some(time));
        Some(done)
    }

    /// Starts the next attempt, if one may start at `time`.
    pub(super) fn start(&mut self, time: u64) -> Option<(SubscriptionId, Flight, Picked)> {
        while let Some((at, id)) = self.alarms.first().copied()
            && at <= time
        {
            self.with(id, time, |_, _| ());
        }
        while self.in_flight < IN_FLIGHT {
            let id = self.hungry.first()?;
            let started = self.with(id, time, |queue, _| queue.start(time))?;
            if let Some((flight, picked)) = started {
                return Some((id, flight, picked));
            }
        }
        None
    }

    /// When an attempt may start that waits for its time.
    pub(super) fn next_start(&self) -> Option<u64> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// The subscribers of whose backlogs a page should be read now, and where it begins.
    /// Whoever asks reads them.
    pub(super) fn begin_pages(&mut self) -> Vec<(SubscriptionId, PageStart)> {
        if self.unread.is_empty() {
            return Vec::new();
        }
        let queues = self.queues.values();
        let reading = queues.filter(|entry| entry.queue.is_reading()).count();
        let mut pages = Vec::new();
        while pages.len() + reading < READS
            && let Some(id) = self.unread.pop_first()
        {
            let entry = self.queues.get_mut(&id);
            pages.extend(entry.map(|entry| (id, entry.queue.begin_page())));
        }
        pages
    }

    /// Whether all that is pending is known.
    pub(super) fn is_swept(&self) -> bool {
        self.queues.values().all(|entry| entry.queue.is_swept())
    }

    /// How many deliveries are pending, as far as the store has been read.
    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// The oldest delivery that is pending, as far as the store has been read.
    pub(super) fn oldest(&self) -> Option<(Key, SubscriptionId)> {
        let oldest = |(id, entry): (&SubscriptionId, &Entry)| Some((entry.queue.oldest()?, *id));
        self.queues.iter().filter_map(oldest).min()
    }

    /// So many of the oldest deliveries that are pending.
    pub(super) fn oldest_of(&self, count: usize) -> SortedSet<(Key, SubscriptionId)> {
        let mut oldest = SortedSet::default();
        for (id, entry) in self.queues.iter() {
            for key in entry.queue.keys() {
                oldest.insert((key, *id));
                if oldest.len() > count {
                    oldest.pop_last();
                }
            }
        }
        oldest
    }

    /// Counts a queue as it is at `time`; as nothing without one.
    fn count(&mut self, id: SubscriptionId, time: Option<u64>) {
        let Some(entry) = self.queues.get_mut(&id) else {
            return;
        };
        let now = time.map_or_else(Counted::default, |time| entry.queue.counted(time));
        let before = std::mem::replace(&mut entry.counted, now);
        self.in_flight = self.in_flight - before.in_flight + now.in_flight;
        self.pending = self.pending - before.pending + now.pending;
        match time.is_some() && entry.queue.wants_page() {
            true => self.unread.insert(id),
            false => self.unread.remove(&id),
        };
        if now.turn == before.turn {
            return;
        }
        match before.turn {
            Some(Turn::Hungry(in_flight)) => self.hungry.remove(in_flight, id),
            Some(Turn::Alarm(at)) => _ = self.alarms.remove(&(at, id)),
            None => {}
        }
        match now.turn {
            Some(Turn::Hungry(in_flight)) => self.hungry.insert(in_flight, id),
            Some(Turn::Alarm(at)) => _ = self.alarms.insert((at, id)),
            None => {}
        }
    }
}

impl Queue {
    fn counted(&mut self, time: u64) -> Counted {
        let in_flight = self.in_flight();
        let turn = match self.next_start(time) {
            Start::At(at) if at <= time => Some(Turn::Hungry(in_flight)),
            Start::At(at) => Some(Turn::Alarm(at)),
            Start::Never => None,
        };
        let pending = self.pending();
        Counted {
            in_flight,
            pending,
            turn,
        }
    }
}

#[cfg(test)]
mod tests;
