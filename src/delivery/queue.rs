//! One subscriber: its deliveries, its health, and what may be sent to it. Plain policy, without a
//! clock; times are in milliseconds and never go back.

use std::rc::Rc;

use crate::key::Key;
use crate::record::DeliveryRecord;

use super::health::{Gate, Health, IN_FLIGHT, Turn};
use super::lanes::{Lanes, Picked};
use super::message::{History, Message};
use super::retry;
use super::verdict::Verdict;

/// What a subscriber has yet to get.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) health: Health,
    lanes: Lanes,
    sweep: Sweep,
    /// How many times the store was begun to be read anew.
    sweeps: u32,
    in_flight: usize,
    is_probing: bool,
    /// The store failed: nothing is read for this subscriber before this time.
    not_before: u64,
    /// The settings' egress rule forbids its URL.
    is_refused: bool,
}

/// How far the store has been read.
#[derive(Clone, Copy, Default)]
enum Sweep {
    /// All that is in the store is here.
    #[default]
    Done,
    /// All up to this key is here.
    To(Option<Key>),
    /// As before, and a page is being read that follows. It may not hold what was committed meanwhile:
    /// this is the oldest of that.
    Reading {
        to: Option<Key>,
        missed: Option<Key>,
    },
}

/// Where a page of pending deliveries begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageStart {
    /// It follows this key.
    pub(super) after: Option<Key>,
    sweep: u32,
}

/// A page of pending deliveries, as the store has it.
pub(super) struct Page {
    pub(super) start: PageStart,
    /// Without the record, if that cannot be read.
    pub(super) records: Vec<(Key, Option<DeliveryRecord>)>,
    /// The store has no more.
    pub(super) is_last: bool,
}

/// When an attempt may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At this time, or now if it has passed.
    At(u64),
    /// Not before something else has happened.
    Never,
}

/// An attempt under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    /// Of which delivery; a test event is none.
    pub(super) key: Option<Key>,
    /// It was begun while the subscriber was paused.
    pub(super) is_probe: bool,
}

/// What the end of an attempt has done to its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is settled.
    Delivered,
    /// It will be tried again, with this history.
    Again(History),
    /// It will be tried again; the attempt does not count.
    Unchanged,
    /// It is given up after so many attempts.
    Dead(u32),
    /// It is not here any more: it was discarded, or the subscriber is disabled.
    Gone,
}

impl Queue {
    /// A subscriber that an earlier instance knew: what it has yet to get is in the store.
    pub(super) fn in_store(health: Health) -> Self {
        Self {
            health,
            sweep: Sweep::To(None),
            ..Self::default()
        }
    }

    /// Takes in a delivery that was committed, or leaves it for the page that will hold it.
    pub(super) fn insert(&mut self, key: Key, message: Rc<Message>, bytes: usize, time: u64) {
        if self.health.is_disabled() {
            return;
        }
        let is_here = match &mut self.sweep {
            Sweep::Done => true,
            Sweep::To(to) => Some(key) <= *to,
            Sweep::Reading { to, missed } => {
                let is_here = Some(key) <= *to;
                if !is_here {
                    *missed = Some(missed.map_or(key, |missed| missed.min(key)));
                }
                is_here
            }
        };
        if is_here {
            let now = self.health.open_time(time);
            self.lanes.insert(key, message, None, bytes, now);
        }
    }

    /// Whether a page should be read now. Whoever asks reads it.
    pub(super) fn wants_page(&self) -> bool {
        matches!(self.sweep, Sweep::To(_)) && !self.health.is_disabled()
    }

    /// A page is being read, which begins as is returned.
    pub(super) fn begin_page(&mut self) -> PageStart {
        let after = match self.sweep {
            Sweep::Done => None,
            Sweep::To(to) | Sweep::Reading { to, .. } => to,
        };
        let missed = None;
        self.sweep = Sweep::Reading { to: after, missed };
        let sweep = self.sweeps;
        PageStart { after, sweep }
    }

    /// Takes a page in, unless it was asked for before the subscriber was disabled. A record that could
    /// not be read is passed over.
    pub(super) fn end_page(&mut self, page: Page, bytes: usize, time: u64) {
        let Sweep::Reading { mut to, missed } = self.sweep else {
            return;
        };
        if page.start.sweep != self.sweeps {
            return;
        }
        let mut is_last = page.is_last;
        for (key, record) in page.records {
            // One that was committed meanwhile is in the next page, if it is not in this one.
            if missed.is_some_and(|missed| missed < key) {
                is_last = false;
                break;
            }
            to = to.max(Some(key));
            if let Some(record) = record {
                self.restore(key, record, bytes, time);
            }
        }
        is_last &= missed.is_none_or(|missed| Some(missed) <= to);
        self.sweep = match is_last {
            true => Sweep::Done,
            false => Sweep::To(to),
        };
    }

    /// The page could not be read.
    pub(super) fn give_up_page(&mut self, start: PageStart) {
        if let Sweep::Reading { to, .. } = self.sweep
            && start.sweep == self.sweeps
        {
            self.sweep = Sweep::To(to);
        }
    }

    pub(super) fn is_reading(&self) -> bool {
        matches!(self.sweep, Sweep::Reading { .. })
    }

    /// Whether all that is pending is known.
    pub(super) fn is_swept(&self) -> bool {
        matches!(self.sweep, Sweep::Done) || self.health.is_disabled()
    }

    /// How many deliveries are pending, as far as the store has been read.
    pub(super) fn pending(&self) -> usize {
        self.lanes.len()
    }

    /// Whether a delivery is here.
    pub(super) fn contains(&self, key: Key) -> bool {
        self.lanes.history(key).is_some()
    }

    /// All that is pending, as far as the store has been read, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.lanes.keys()
    }

    /// Takes in a delivery as the store has it. It must not be here.
    pub(super) fn restore(&mut self, key: Key, record: DeliveryRecord, bytes: usize, time: u64) {
        if self.health.is_disabled() {
            return;
        }
        let now = self.health.open_time(time);
        let history = History::restored(&record, now);
        let message = Rc::new(Message::from(record));
        self.lanes.insert(key, message, history, bytes, now);
    }

    /// What a delivery says is read from the store again when it is attempted.
    pub(super) fn forget_message(&mut self, key: Key) {
        self.lanes.forget_message(key);
    }

    /// The oldest that is pending, as far as the store has been read.
    pub(super) fn oldest(&self) -> Option<Key> {
        self.lanes.oldest()
    }

    /// How many attempts are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether the settings' egress rule forbids the subscriber's URL.
    pub(super) fn set_refused(&mut self, is_refused: bool) {
        self.is_refused = is_refused;
    }

    /// When the next attempt may start.
    pub(super) fn next_start(&mut self, time: u64) -> Start {
        if self.is_refused {
            return Start::Never;
        }
        let at = match self.health.gate() {
            Gate::Open(window) if self.in_flight < window => {
                let now = self.health.open_time(time);
                self.lanes.due(now).map(|at| time + (at - now))
            }
            Gate::Probe { at, .. } if !self.is_probing && self.lanes.has_free() => Some(at),
            Gate::Open(_) | Gate::Probe { .. } | Gate::Shut => None,
        };
        at.map_or(Start::Never, |at| Start::At(at.max(self.not_before)))
    }

    /// Starts an attempt, if [`next_start`](Self::next_start) is now.
    pub(super) fn start(&mut self, time: u64) -> Option<(Flight, Picked)> {
        if !matches!(self.next_start(time), Start::At(at) if at <= time) {
            return None;
        }
        let (picked, is_probe) = match self.health.gate() {
            Gate::Open(_) => (self.lanes.take(self.health.open_time(time))?, false),
            Gate::Probe { answered, .. } => (self.lanes.probe(answered)?, true),
            Gate::Shut => return None,
        };
        let flight = self.lift(Some(picked.key), is_probe);
        Some((flight, picked))
    }

    /// Starts an attempt with a test event, if there is room for one. To a paused subscriber it is the
    /// probe.
    pub(super) fn start_test(&mut self) -> Option<Flight> {
        match self.health.gate() {
            Gate::Open(_) => (self.in_flight < IN_FLIGHT).then(|| self.lift(None, false)),
            Gate::Probe { .. } => (!self.is_probing).then(|| self.lift(None, true)),
            Gate::Shut => Some(self.lift(None, false)),
        }
    }

    /// An attempt has ended. `chance` spreads the next one.
    pub(super) fn end(
        &mut self,
        flight: Flight,
        verdict: Verdict,
        why: &str,
        chance: u8,
        time: u64,
    ) -> (Outcome, Turn) {
        self.land(flight);
        let Flight { key, is_probe } = flight;
        let turn = self.health.end(verdict, flight, why, time);
        let outcome = match key {
            Some(key) if turn != Turn::Disabled => {
                self.settle(key, verdict, is_probe, chance, time)
            }
            _ => Outcome::Gone,
        };
        match turn {
            Turn::Opened { healthy_at } => {
                self.lanes.open(healthy_at, self.health.open_time(time));
            }
            Turn::Disabled => {
                self.lanes = Lanes::default();
                // A page that is being read is not waited for.
                self.sweep = Sweep::To(None);
                self.sweeps += 1;
            }
            Turn::None | Turn::Paused => {}
        }
        (outcome, turn)
    }

    /// What should be said could not be read: nothing was sent, and nothing is until `not_before`.
    pub(super) fn end_unsent(&mut self, flight: Flight, not_before: u64, time: u64) {
        self.land(flight);
        self.not_before = not_before;
        if let Some(key) = flight.key
            && let Some(history) = self.lanes.history(key)
        {
            self.lanes
                .put_back(key, history, self.health.open_time(time));
        }
    }

    /// The store does not have a delivery that was to be attempted.
    pub(super) fn end_missing(&mut self, flight: Flight, time: u64) {
        self.land(flight);
        if let Some(key) = flight.key {
            self.remove(key, time);
        }
    }

    /// Takes a delivery out, if it is here.
    pub(super) fn remove(&mut self, key: Key, time: u64) -> bool {
        self.lanes.remove(key, self.health.open_time(time))
    }

    /// Opens the subscriber, if it is not open. If it was disabled, what is pending is in the store.
    pub(super) fn open(&mut self, time: u64) {
        if let Turn::Opened { healthy_at } = self.health.open(time) {
            self.lanes.open(healthy_at, self.health.open_time(time));
        }
    }

    fn lift(&mut self, key: Option<Key>, is_probe: bool) -> Flight {
        self.in_flight += 1;
        self.is_probing |= is_probe;
        Flight { key, is_probe }
    }

    fn land(&mut self, flight: Flight) {
        self.in_flight -= 1;
        self.is_probing &= !flight.is_probe;
    }

    fn settle(
        &mut self,
        key: Key,
        verdict: Verdict,
        is_probe: bool,
        chance: u8,
        time: u64,
    ) -> Outcome {
        let now = self.health.open_time(time);
        let Some(mut history) = self.lanes.history(key) else {
            return Outcome::Gone;
        };
        if verdict == Verdict::Delivered {
            self.lanes.remove(key, now);
            return Outcome::Delivered;
        }
        let before = history;
        let unwelcome = u32::from(verdict == Verdict::Unwelcome);
        history.unwelcome = history.unwelcome.saturating_add(unwelcome);
        // While a subscriber is paused, the counts of attempts stand still.
        if verdict.counts() && !is_probe {
            history.attempts = history.attempts.saturating_add(1);
            history.next = now + retry::wait(history.attempts, chance);
            history.first_failed = history.first_failed.or(Some(now));
            history.last_failed = Some(now);
        }
        if history.attempts >= retry::MAX_ATTEMPTS || history.unwelcome >= retry::MAX_UNWELCOME {
            self.lanes.remove(key, now);
            return Outcome::Dead(history.attempts);
        }
        self.lanes.put_back(key, history, now);
        match history == before {
            true => Outcome::Unchanged,
            false => Outcome::Again(history),
        }
    }
}

#[cfg(test)]
mod tests;
