//! The record of unlocks.

use std::collections::BTreeMap;

use super::{Law, Verdict};
use crate::fact::{Call, Fact, Instance};
use crate::ledger::Ledger;
use crate::record::{self, Record, Unlock};
use crate::time::{Moment, SECOND};

/// How long a door waits for the store.
const STORE_LIMIT: u64 = 2 * SECOND;

#[derive(Default)]
pub(super) struct Unlocks {
    /// When calls came lately.
    called: BTreeMap<(Instance, String), Vec<Moment>>,
    /// Attempts in the store for which the security system was not asked yet.
    recorded: BTreeMap<(Instance, String), u32>,
    /// When a commit of an instance failed last.
    failed: BTreeMap<Instance, Moment>,
}

impl Law for Unlocks {
    fn rule(&self) -> &'static str {
        "a security system is asked to unlock a door only after the store has a record of it, or has \
         failed, or has not answered for two seconds"
    }

    fn see(&mut self, now: Moment, fact: &Fact<'_>, _ledger: &Ledger) -> Verdict {
        match fact {
            Fact::Called {
                instance,
                what: Call::Put { door },
                ..
            } => {
                let call = (*instance, (*door).to_owned());
                self.called.entry(call).or_default().push(now);
            }
            Fact::Committed {
                instance, changes, ..
            } => {
                for change in *changes {
                    let (Record::Unlock(_), Some(value)) = record::read(change) else {
                        continue;
                    };
                    let unlock: Unlock = record::decode(value)?;
                    if unlock.outcome == "asked" {
                        *self
                            .recorded
                            .entry((*instance, unlock.door_id))
                            .or_default() += 1;
                    }
                }
            }
            Fact::NotCommitted { instance, .. } => drop(self.failed.insert(*instance, now)),
            Fact::Asked { instance, door } => {
                let call = (*instance, (*door).to_owned());
                if let Some(recorded) = self.recorded.get_mut(&call).filter(|count| **count > 0) {
                    *recorded -= 1;
                    return Ok(());
                }
                let failed = self.failed.get(instance);
                let has_failed = failed.is_some_and(|at| at.elapsed == now.elapsed);
                let called = self.called.remove(&call).unwrap_or_default();
                let has_waited = called
                    .iter()
                    .any(|called| now.elapsed - called.elapsed == STORE_LIMIT);
                if !has_failed && !has_waited {
                    return Err(format!("{door} was asked for without a record"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
