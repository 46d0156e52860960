//! Measurements of the real slot, on whatever machine this is. Those that promise something compare:
//! two things in one run, or one with a limit that has much room.

mod backlog;
mod hostile_clients;
mod receiver;
mod slow_subscriber;
mod start;

use std::fmt::{self, Display};
use std::time::Duration;

pub use self::backlog::backlog;
pub use self::hostile_clients::hostile_clients;
pub use self::slow_subscriber::slow_subscriber;
pub use self::start::start;

/// What a measurement came to: figures, and whether they keep what is promised.
#[derive(Debug)]
pub struct Verdict {
    lines: Vec<String>,
    is_kept: bool,
}

impl Verdict {
    fn new() -> Self {
        Self {
            lines: Vec::new(),
            is_kept: true,
        }
    }

    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A figure that must be at most `limit`.
    fn promise<T: PartialOrd + Display>(&mut self, what: &str, value: T, limit: T) {
        let is_kept = value <= limit;
        let verdict = if is_kept { "kept" } else { "BROKEN" };
        self.say(format!("{what}: {value} of at most {limit}: {verdict}"));
        self.is_kept &= is_kept;
    }

    /// Whether all that is promised is kept.
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

/// The duration below which `share` of `sorted` lie.
fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let index = (sorted.len() as f64 * share) as usize;
    sorted[index.min(sorted.len() - 1)]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
