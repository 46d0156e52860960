//! What a run measures, and with what effort.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::site::{Face, Subject};

/// What a run measures, and with what.
#[derive(Debug)]
pub struct Stage {
    /// The program `placeos-slot`.
    pub slot: PathBuf,
    /// Another driver's executable.
    pub peer: Option<PathBuf>,
    /// The program `bare-client`.
    pub bare: PathBuf,
    /// The folder of what does the work of an event in each engine, as `cargo xtask` puts it there.
    pub micro: Option<PathBuf>,
    /// Files whose sizes are told: what they are, and where.
    pub sizes: Vec<(String, PathBuf)>,
    /// What a browser fetches of the package for JavaScript; told together, gzipped.
    pub fetched: Vec<PathBuf>,
    /// How much is done.
    pub effort: Effort,
    /// The number of the next event: no two of a run have the same.
    pub next: AtomicU64,
}

/// How much is done for a figure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds, whose median is taken.
    pub rounds: usize,
    /// Rounds in which a rate is taken, which differs more from one to the next than how long a burst takes.
    pub rounds_of_rates: usize,
    /// The part of subscribers, doors, events and deliveries that there are.
    pub divisor: usize,
}

impl Effort {
    /// What figures are taken with.
    pub const FULL: Self = Self {
        rounds: 5,
        rounds_of_rates: 9,
        divisor: 1,
    };
    /// What shows that all of it works.
    pub const LEAST: Self = Self {
        rounds: 1,
        rounds_of_rates: 1,
        divisor: 20,
    };

    /// So many, or the part of them that this effort is worth.
    pub(super) fn of(self, full: usize) -> usize {
        full.div_ceil(self.divisor)
    }
}

impl Stage {
    /// The driver as core's process.
    pub(super) fn process(&self) -> Subject {
        Subject {
            program: self.slot.clone(),
            face: Face::Process,
        }
    }

    /// The driver as a gateway.
    pub(super) fn gateway(&self) -> Subject {
        Subject {
            program: self.slot.clone(),
            face: Face::Gateway,
        }
    }

    /// The other driver, if there is one.
    pub(super) fn peer(&self) -> Option<Subject> {
        self.peer.clone().map(|program| Subject {
            program,
            face: Face::Process,
        })
    }

    /// The numbers of so many new events.
    pub(super) fn numbers(&self, events: usize) -> Range<u64> {
        let events = events as u64;
        let first = self.next.fetch_add(events, Ordering::SeqCst);
        first..first + events
    }

    /// Has all of them do the same, in turn, round by round, so that whatever else the machine does falls
    /// on all. Every second round the order is reversed: who comes first is no better off. A round before
    /// the others does not count: connections are opened in it, pages of memory come in. Answers by
    /// contestant what each round came to.
    pub(super) async fn in_turn<C, T>(
        &self,
        rounds: usize,
        contestants: &mut [C],
        mut measure: impl AsyncFnMut(&mut C) -> T,
    ) -> Vec<Vec<T>> {
        let mut results: Vec<_> = contestants.iter().map(|_| Vec::new()).collect();
        for round in 0..=rounds {
            let mut order: Vec<_> = (0..contestants.len()).collect();
            if round % 2 == 0 {
                order.reverse();
            }
            for place in order {
                let result = measure(&mut contestants[place]).await;
                if round > 0 {
                    results[place].push(result);
                }
            }
        }
        results
    }
}
