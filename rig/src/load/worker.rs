//! Somebody who does work as often as he is told, and says how long it took: a process for each place where
//! the driver's code runs.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use micro_orders::{Order, Sample};

use crate::program::{Guard, LIMIT};

/// A process that waits for orders.
#[derive(Debug)]
pub(super) struct Worker {
    child: Guard,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Worker {
    /// Starts one. What it needs until it can begin is part of its first sample's wait, not of the sample.
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, answers) = mpsc::channel();
        thread::spawn(move || {
            // Nobody may be left to take them.
            let _ = output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| send.send(line));
        });
        Self {
            child: Guard::new(child),
            input,
            answers,
        }
    }

    /// Has it do that.
    ///
    /// # Panics
    ///
    /// It does not, or not within [`LIMIT`].
    pub(super) fn sample(&mut self, order: &Order) -> Sample {
        writeln!(self.input.as_mut().unwrap(), "{order}").unwrap();
        let answer = self.answers.recv_timeout(LIMIT);
        let answer = answer.unwrap_or_else(|error| panic!("{order}: {error}"));
        answer.parse().unwrap()
    }
}

impl Drop for Worker {
    /// It ends by itself when there are no more orders, and with it the browser that it may have started.
    fn drop(&mut self) {
        self.input = None;
        let begun = Instant::now();
        while self.child.has_ended().is_none() && begun.elapsed() < LIMIT {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
