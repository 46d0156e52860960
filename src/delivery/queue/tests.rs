//! What one subscriber is sent, and when.

use std::time::Duration;

use super::super::samples::{key, message};
use super::*;

mod attempts;
mod pages;

const MUCH: usize = 1 << 20;

/// A subscriber with one delivery for each door, in this order, their keys being 1 and so on.
fn queue(doors: &[&str]) -> Queue {
    let mut queue = Queue::default();
    for (number, door) in (1..).zip(doors) {
        queue.insert(key(number), message(door), MUCH, 0);
    }
    queue
}

fn start(queue: &mut Queue, time: u64) -> Flight {
    queue.start(time).unwrap().0
}

fn end(queue: &mut Queue, flight: Flight, verdict: Verdict, time: u64) -> Outcome {
    queue.end(flight, verdict, "why", 0, time).0
}

/// Pauses a subscriber by the attempt `flight`; it is to be left alone for a second.
fn pause(queue: &mut Queue, flight: Flight, time: u64) {
    let busy = Verdict::Busy(Duration::ZERO);
    let (outcome, turn) = queue.end(flight, busy, "why", 0, time);
    assert_eq!((outcome, turn), (Outcome::Unchanged, Turn::Paused));
}

/// Disables an open subscriber; each of its next three attempts is answered that it is gone.
fn disable(queue: &mut Queue) {
    for time in [0, 1_000, 3_000] {
        let (flight, _) = queue.start(time).unwrap();
        queue.end(flight, Verdict::Gone, "why", 0, time);
    }
    assert!(queue.health.is_disabled());
}

/// All keys that are pending, in order.
fn pending(queue: &Queue) -> Vec<Key> {
    let mut keys: Vec<_> = queue.keys().collect();
    keys.sort_unstable();
    assert_eq!(queue.pending(), keys.len());
    assert_eq!(queue.oldest(), keys.first().copied());
    assert!(keys.iter().all(|key| queue.contains(*key)));
    keys
}
