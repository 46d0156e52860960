//! What a run was made on, for nobody can compare figures without it.

use std::fs;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

/// How long a machine is given to forget what was built on it before the run: its load is a mean of a minute.
const CALM: Duration = Duration::from_secs(180);

/// A machine, and what ran on it.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Of its processor.
    pub model: String,
    /// Threads of the processor that there are to run on.
    pub cores: usize,
    /// In megabytes.
    pub memory: u64,
    /// Of the system.
    pub kernel: String,
    /// How many threads wanted to run in the minute before.
    pub load_before: f64,
    /// What was measured, and what else was there: name and version.
    pub versions: Vec<(String, String)>,
}

impl Machine {
    /// This one, with versions that whoever has started the run knows.
    pub fn this(versions: Vec<(String, String)>) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_once(':'));
            value.map_or_else(
                || "unknown".to_owned(),
                |(_, value)| value.trim().to_owned(),
            )
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let kibibytes: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        Self {
            model: field(&read("/proc/cpuinfo"), "model name"),
            cores: thread::available_parallelism().unwrap().get(),
            memory: kibibytes * 1024 / 1_000_000,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: read("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or_default(),
            versions,
        }
    }

    /// This one, as soon as it is not busy; after a while as it is, for others use it then.
    pub async fn calm(versions: Vec<(String, String)>) -> Self {
        let patience = Instant::now() + CALM;
        loop {
            let this = Self::this(versions.clone());
            if !this.was_busy() || Instant::now() > patience {
                return this;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Whether others wanted a good part of it when the run began.
    pub fn was_busy(&self) -> bool {
        self.load_before > self.cores as f64 / 4.0
    }
}

#[cfg(test)]
impl Machine {
    pub(super) fn example() -> Self {
        Self {
            model: "A Processor".to_owned(),
            cores: 2,
            memory: 8000,
            kernel: "6.1".to_owned(),
            load_before: 0.1,
            versions: vec![("placeos-slot".to_owned(), "0.1.0".to_owned())],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_others_use_is_a_busy_one() {
        let quiet = Machine::example();
        assert!(!quiet.was_busy());
        let busy = Machine {
            load_before: 1.5,
            ..quiet
        };
        assert!(busy.was_busy());
    }

    #[test]
    fn this_machine_has_a_kernel_and_memory() {
        let this = Machine::this(Vec::new());
        assert!(!this.kernel.is_empty());
        assert!(this.memory > 0 && this.cores > 0);
    }
}
