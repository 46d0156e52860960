//! How a subscriber that has just opened is filled.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::health::State;
use crate::ledger::Ledger;
use crate::time::Moment;

pub(super) struct SlowStart;

impl Law for SlowStart {
    fn rule(&self) -> &'static str {
        "when a subscriber opens, one attempt may be in flight, and one more after each 2xx, up to 32; a \
         test needs no room"
    }

    fn see(&mut self, _now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        let Fact::Attempt {
            attempt, instance, ..
        } = fact
        else {
            return Ok(());
        };
        let attempt = ledger.attempt(*attempt);
        let subscriber = ledger.subscriber_of(attempt);
        let is_bound = ledger.owns(*instance) && !attempt.is_test;
        let Some(subscriber) = subscriber.filter(|_| is_bound) else {
            return Ok(());
        };
        let in_flight = subscriber.in_flight.get(instance).copied().unwrap_or(0);
        match subscriber.health.state {
            State::Open { room: Some(room) } if in_flight > room => Err(format!(
                "{in_flight} attempts in flight to {}, which has room for {room}",
                attempt.url
            )),
            _ => Ok(()),
        }
    }
}
