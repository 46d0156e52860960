//! When a delivery is attempted again.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::health::State;
use crate::ledger::Ledger;
use crate::time::{MINUTE, Moment, SECOND};

/// The waits after the first failures; after those it is hourly.
const STEPS: [u64; 6] = [
    SECOND,
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
];
const HOURLY: u64 = 60 * MINUTE;

pub(super) struct Schedule;

impl Law for Schedule {
    fn rule(&self) -> &'static str {
        "after a failure at least four fifths of 1 s, 5 s, 30 s, 2, 10, 30 min, then an hour pass \
         before the delivery is attempted again, in a new instance too; except by a probe, after \
         its subscriber has opened, or after a jump of the clock"
    }

    fn see(&mut self, now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        let Fact::Attempt {
            attempt, instance, ..
        } = fact
        else {
            return Ok(());
        };
        let attempt = ledger.attempt(*attempt);
        if !ledger.owns(*instance) || attempt.is_probe {
            return Ok(());
        }
        let Some((sub, key)) = attempt.delivery else {
            return Ok(());
        };
        let subscriber = ledger.subscribers.get(&sub);
        if subscriber.is_none_or(|it| it.health.state == State::Unknown) {
            return Ok(());
        }
        let delivery = ledger.deliveries.get(&(sub, key));
        let Some((delivery, failed)) = delivery.and_then(|it| Some((it, it.last_failed?))) else {
            return Ok(());
        };
        if !failed.outcome.counts() || failed.has_opened_since {
            return Ok(());
        }
        let index = usize::try_from(delivery.failed.saturating_sub(1)).unwrap_or(usize::MAX);
        let step = STEPS.get(index).copied().unwrap_or(HOURLY);
        match now.since(failed.at) {
            Some(passed) if passed < step * 4 / 5 => Err(format!(
                "{} was attempted for {} again {passed} ms after its failure number {}",
                delivery.event, delivery.url, delivery.failed
            )),
            _ => Ok(()),
        }
    }
}
