//! What came of a run.

use std::fmt;
use std::time::Duration;

use super::victim::Kills;

/// How many faults are told in full.
const TOLD: usize = 20;

/// What came of a run. Its text is a table.
#[derive(Debug)]
pub struct Report {
    /// What the run's random choices followed from. The moments of the kills do not repeat exactly.
    pub seed: u64,
    /// How often was killed what.
    pub kills: Kills,
    /// How long it all took.
    pub took: Duration,
    /// What became of the events that were sent.
    pub events: EventCounts,
    /// Answers that a URL is subscribed.
    pub subscribed: usize,
    /// Answers that one is unsubscribed.
    pub unsubscribed: usize,
    /// What came to whom.
    pub rows: Vec<Row>,
    /// All else that must never be.
    pub faults: Vec<String>,
}

/// What became of the events that were sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventCounts {
    /// Those that were answered to be accepted.
    pub accepted: usize,
    /// Those whose answer was lost and whose sender gave up.
    pub given_up: usize,
    /// How many of these had been saved: they were received.
    pub given_up_and_received: usize,
}

/// What came to a receiver.
#[derive(Debug, Default)]
pub struct Row {
    /// What it does.
    pub name: &'static str,
    /// POSTs that came.
    pub attempts: u64,
    /// Events that it took.
    pub received: u64,
    /// Events that it should have got and did not.
    pub lost: u64,
    /// POSTs of an event that it had taken.
    pub again: u64,
}

impl Report {
    /// Events lost, of all receivers.
    pub fn lost(&self) -> u64 {
        self.rows.iter().map(|row| row.lost).sum()
    }

    /// Whether all is as it must be.
    pub fn is_clean(&self) -> bool {
        self.lost() == 0 && self.faults.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: {} kills, {} of them of a slot during its start, {} of Redis; {} s",
            self.seed,
            self.kills.all(),
            self.kills.slot_at_start,
            self.kills.redis,
            self.took.as_secs()
        )?;
        writeln!(
            f,
            "events: {} accepted; {} given up by their senders, and {} of these received",
            self.events.accepted, self.events.given_up, self.events.given_up_and_received
        )?;
        writeln!(
            f,
            "URLs: {} times subscribed, {} times unsubscribed",
            self.subscribed, self.unsubscribed
        )?;
        writeln!(f)?;
        writeln!(
            f,
            "{:<16}{:>10}{:>10}{:>8}{:>8}",
            "receiver", "attempts", "received", "lost", "again"
        )?;
        for row in &self.rows {
            writeln!(
                f,
                "{:<16}{:>10}{:>10}{:>8}{:>8}",
                row.name, row.attempts, row.received, row.lost, row.again
            )?;
        }
        writeln!(f)?;
        for fault in self.faults.iter().take(TOLD) {
            writeln!(f, "fault: {fault}")?;
        }
        write!(
            f,
            "lost {}, other faults {}",
            self.lost(),
            self.faults.len()
        )
    }
}
