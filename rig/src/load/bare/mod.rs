//! A bare HTTP client with a pool, in a process of its own: it posts the same bytes to the same receivers
//! as the driver that it is measured beside, and knows no subscriptions, no order and no disk.

mod client;

use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::receivers::Sample;
use crate::program::Guard;

pub use self::client::bare_client;

/// What it posts. It is the first line that the process reads.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    urls: Vec<String>,
    headers: Vec<(String, String)>,
    body: String,
    /// POSTs that may be under way at a time.
    in_flight: usize,
}

/// Events to post to all URLs, one after the other. Each further line is one.
#[derive(Debug, Serialize, Deserialize)]
struct Batch {
    first: u64,
    events: u64,
}

/// The process, which waits for batches. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Bare {
    child: Guard,
    input: ChildStdin,
}

impl Bare {
    /// Starts the program `bare-client` at `program`, to post the like of `sample` to `urls`.
    pub(super) fn start(
        program: &Path,
        urls: Vec<String>,
        sample: Sample,
        in_flight: usize,
    ) -> Self {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be run: {error}", program.display()));
        let input = child.stdin.take().unwrap();
        let mut bare = Self {
            child: Guard::new(child),
            input,
        };
        let Sample { headers, body } = sample;
        bare.tell(&Order {
            urls,
            headers,
            body,
            in_flight,
        });
        bare
    }

    /// Has it post so many events; who receives them sees when it is done.
    pub(super) fn post(&mut self, first: u64, events: u64) {
        self.tell(&Batch { first, events });
    }

    pub(super) fn pid(&self) -> Pid {
        self.child.pid()
    }

    fn tell(&mut self, line: &impl Serialize) {
        let line = serde_json::to_string(line).unwrap();
        writeln!(self.input, "{line}").unwrap();
    }
}
