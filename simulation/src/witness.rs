//! Who sees everything that happens, writes it down, and holds it against the laws.

use std::fmt::{self, Write};

use crate::fact::{Fact, Url};
use crate::laws::{self, Law};
use crate::ledger::Ledger;
use crate::store::Store;
use crate::time::{DAY, HOUR, MINUTE, Moment, SECOND};

/// A law that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The law, in words.
    pub law: &'static str,
    /// When, in milliseconds since the history began.
    pub at: u64,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { law, at, what } = self;
        write!(f, "at {}: {what}\nthe law: {law}", Elapsed(*at))
    }
}

impl std::error::Error for Violation {}

/// The ledger, the laws and the trace of a history.
pub(crate) struct Witness {
    pub(crate) ledger: Ledger,
    laws: Vec<Box<dyn Law>>,
    /// One line a fact, if it is wanted.
    pub(crate) trace: Option<String>,
    /// The first violation; nothing is judged after it.
    pub(crate) violation: Option<Violation>,
}

impl Witness {
    pub(crate) fn of(urls: &[Url], is_traced: bool) -> Self {
        Self {
            ledger: Ledger::of(urls),
            laws: laws::all(),
            trace: is_traced.then(String::new),
            violation: None,
        }
    }

    /// Something happens.
    pub(crate) fn see(&mut self, now: Moment, fact: &Fact<'_>) {
        if let Some(trace) = &mut self.trace
            && !matches!(fact, Fact::Minute { .. })
        {
            // Writing to a String does not fail.
            let _ = writeln!(trace, "{} {fact}", Elapsed(now.elapsed));
        }
        if self.violation.is_some() {
            return;
        }
        self.ledger.take(now, fact);
        for law in &mut self.laws {
            if let Err(what) = law.see(now, fact, &self.ledger) {
                self.violation = Some(Violation {
                    law: law.rule(),
                    at: now.elapsed,
                    what,
                });
                return;
            }
        }
    }

    /// Why the history cannot end yet, if a law waits for something.
    pub(crate) fn waits_for(&self) -> Option<String> {
        self.laws.iter().find_map(|law| law.waits_for(&self.ledger))
    }

    /// The history ends, quiet.
    pub(crate) fn end(&mut self, now: Moment, store: &Store) {
        for law in &self.laws {
            let verdict = match law.waits_for(&self.ledger) {
                Some(what) => Err(what),
                None => law.end(&self.ledger, store),
            };
            if let (Err(what), None) = (verdict, &self.violation) {
                self.violation = Some(Violation {
                    law: law.rule(),
                    at: now.elapsed,
                    what,
                });
            }
        }
    }
}

/// Time since the beginning, for people.
struct Elapsed(u64);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ms) = self;
        let (days, hours, minutes) = (ms / DAY, ms % DAY / HOUR, ms % HOUR / MINUTE);
        let (seconds, ms) = (ms % MINUTE / SECOND, ms % SECOND);
        write!(f, "{days}d {hours:02}:{minutes:02}:{seconds:02}.{ms:03}")
    }
}
