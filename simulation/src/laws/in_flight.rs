//! How much goes on at a time.

use std::collections::BTreeMap;

use super::{Law, Verdict};
use crate::fact::{Fact, Instance};
use crate::ledger::Ledger;
use crate::time::Moment;

const OF_A_SUBSCRIBER: u32 = 32;
/// Of an instance.
pub(super) const IN_ALL: u32 = 2048;

#[derive(Default)]
pub(super) struct InFlight {
    all: BTreeMap<Instance, u32>,
}

impl Law for InFlight {
    fn rule(&self) -> &'static str {
        "an instance has at most 32 attempts in flight to a subscriber, and 2,048 in all"
    }

    fn see(&mut self, _now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        match fact {
            Fact::Attempt {
                attempt, instance, ..
            } => {
                let all = self.all.entry(*instance).or_default();
                *all += 1;
                if *all > IN_ALL {
                    return Err(format!("{all} attempts in flight"));
                }
                let attempt = ledger.attempt(*attempt);
                let subscriber = ledger.subscriber_of(attempt);
                let in_flight = subscriber.and_then(|it| it.in_flight.get(instance));
                match in_flight {
                    Some(count) if *count > OF_A_SUBSCRIBER => {
                        Err(format!("{count} attempts in flight to {}", attempt.url))
                    }
                    _ => Ok(()),
                }
            }
            Fact::Result { attempt, .. } | Fact::Dropped(attempt) => {
                let instance = ledger.attempt(*attempt).instance;
                if let Some(all) = self.all.get_mut(&instance) {
                    *all = all.saturating_sub(1);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
