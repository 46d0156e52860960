//! How the driver stops.

use std::collections::BTreeMap;

use super::{Law, Verdict};
use crate::fact::{Fact, Instance};
use crate::ledger::Ledger;
use crate::time::{Moment, SECOND};

#[derive(Default)]
pub(super) struct Stopped {
    since: BTreeMap<Instance, Moment>,
}

impl Law for Stopped {
    fn rule(&self) -> &'static str {
        "once the driver is told to stop no attempt starts, and it ends when those under way have, \
         after ten seconds at most"
    }

    fn see(&mut self, now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        match fact {
            Fact::Stopping(instance) => drop(self.since.insert(*instance, now)),
            Fact::Attempt { instance, .. } if self.since.contains_key(instance) => {
                return Err("an attempt started after the driver was told to stop".to_owned());
            }
            Fact::Ended { instance, .. } => {
                let since = self.since.remove(instance);
                let took = since.map_or(0, |since| now.elapsed - since.elapsed);
                if ledger.is_healing && took > 11 * SECOND {
                    return Err(format!("it took {took} ms to stop"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
