//! The driver does no more than it must.

use std::collections::{BTreeMap, BTreeSet};

use super::{Law, Verdict};
use crate::fact::{Fact, Instance};
use crate::ledger::Ledger;
use crate::time::{Moment, SECOND};

/// Host calls that an instance may make in a minute, come what may.
const A_MINUTE: u64 = 1000;
/// And for each thing that happens to it.
const EACH: u64 = 300;

#[derive(Default)]
pub(super) struct Calm {
    /// Things that have happened since the last minute.
    happened: u64,
    last_minute: u64,
    shown_at: BTreeMap<(Instance, String), Moment>,
    stopping: BTreeSet<Instance>,
}

impl Law for Calm {
    fn rule(&self) -> &'static str {
        "the driver makes no more host calls than what happens explains, and sets a status key at \
         most once a second"
    }

    fn see(&mut self, now: Moment, fact: &Fact<'_>, _ledger: &Ledger) -> Verdict {
        match fact {
            Fact::Minute { host_calls } => {
                let minutes = (now.elapsed - self.last_minute).div_ceil(60 * SECOND) + 1;
                let most = minutes * A_MINUTE + self.happened * EACH;
                let happened = std::mem::take(&mut self.happened);
                self.last_minute = now.elapsed;
                if *host_calls > most {
                    return Err(format!(
                        "{host_calls} host calls in {minutes} minutes in which {happened} things happened"
                    ));
                }
            }
            Fact::Status { instance, key, .. } => {
                let before = self.shown_at.insert((*instance, (*key).to_owned()), now);
                let since = before.and_then(|before| now.since(before));
                // Its last words need not wait.
                let is_early = since.is_some_and(|since| since < SECOND);
                if is_early && !self.stopping.contains(instance) {
                    return Err(format!("{key} was set twice within a second"));
                }
            }
            Fact::Stopping(instance) => drop(self.stopping.insert(*instance)),
            Fact::Committed { changes, .. } => self.happened += changes.len() as u64,
            Fact::Called { .. }
            | Fact::Attempt { .. }
            | Fact::Result { .. }
            | Fact::NotCommitted { .. }
            | Fact::Started(_) => self.happened += 1,
            _ => {}
        }
        Ok(())
    }
}
