//! When a delivery is attempted again.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::health::Kind;
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
        "after a failure at least four fifths of 1 s, 5 s, 30 s, 2, 10, 30 min, then an hour of open \
         time pass before the delivery is attempted again, in a new instance too; except by a probe, \
         after its subscriber has opened, or after a jump of the clock"
    }

    fn see(&mut self, now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        let Fact::Attempt {
            attempt, instance, ..
        } = fact
        else {
            return Ok(());
        };
        let attempt = ledger.attempt(*attempt);
        if !ledger.owns(*instance) || attempt.kind != Some(Kind::Regular) {
            return Ok(());
        }
        let delivery = ledger.delivery_of(attempt);
        let Some((delivery, failed)) = delivery.and_then(|it| Some((it, it.last_failed?))) else {
            return Ok(());
        };
        let Some(subscriber) = ledger.subscriber_of(attempt) else {
            return Ok(());
        };
        let index = usize::try_from(delivery.failed.saturating_sub(1)).unwrap_or(usize::MAX);
        let step = STEPS.get(index).copied().unwrap_or(HOURLY);
        let passed = subscriber.health.open_time(now) - failed.open_time;
        if now.since(failed.at).is_some() && passed < step * 4 / 5 {
            return Err(format!(
                "{} was attempted for {} again {passed} ms of open time after its failure number {}",
                delivery.event, delivery.url, delivery.failed
            ));
        }
        Ok(())
    }
}
