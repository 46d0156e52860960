//! Many histories, on all processors.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::history::{self, Broken, Measure};

/// What many histories came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many were run.
    pub histories: u64,
    /// How much happened in all of them.
    pub total: Measure,
    /// Those that broke a law, by seed.
    pub broken: Vec<Broken>,
}

/// How many broken histories are enough.
const ENOUGH: usize = 5;

/// Runs the histories of `count` seeds from `first` on; a few broken ones end it early.
pub fn run(first: u64, count: u64) -> Summary {
    let next = AtomicU64::new(0);
    let summary = Mutex::new(Summary::default());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            let outcome = history::run(first.wrapping_add(index));
            let Ok(mut summary) = summary.lock() else {
                return;
            };
            summary.histories += 1;
            match outcome {
                Ok(measure) => summary.total.add(measure),
                Err(broken) => summary.broken.push(broken),
            }
            if summary.broken.len() >= ENOUGH {
                return;
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut summary = summary.into_inner().unwrap_or_default();
    summary.broken.sort_by_key(|broken| broken.seed);
    summary
}

impl Measure {
    fn add(&mut self, other: Self) {
        self.events += other.events;
        self.attempts += other.attempts;
        self.instances += other.instances;
        self.elapsed += other.elapsed;
    }
}
