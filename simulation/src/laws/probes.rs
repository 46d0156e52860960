//! What a paused subscriber gets.

use super::{Law, Verdict, in_flight};
use crate::fact::Fact;
use crate::health::{Kind, State};
use crate::ledger::{Attempt, Ledger};
use crate::time::Moment;

pub(super) struct Probes;

impl Law for Probes {
    fn rule(&self) -> &'static str {
        "a paused subscriber gets one probe at a time, 1, 2, 4 … 60 s after the one before, or what \
         its Retry-After says, up to an hour; a disabled one gets nothing but what an operator tests it \
         with"
    }

    fn see(&mut self, now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        let Fact::Attempt {
            attempt: id,
            instance,
            ..
        } = fact
        else {
            return Ok(());
        };
        let attempt = ledger.attempt(*id);
        let subscriber = ledger.subscriber_of(attempt);
        let Some(subscriber) = subscriber.filter(|_| ledger.owns(*instance)) else {
            return Ok(());
        };
        let url = &attempt.url;
        match subscriber.health.state {
            State::Unclear { .. } | State::Open { .. } => Ok(()),
            State::Disabled if attempt.is_test => Ok(()),
            State::Disabled => Err(format!("an attempt to {url}, which is disabled")),
            State::Paused(pause) => {
                // As many can be in flight.
                let mut others = ledger
                    .attempts
                    .iter()
                    .rev()
                    .skip(1)
                    .take(in_flight::IN_ALL as usize);
                let is_other_probe = |other: &Attempt| {
                    other.is_in_flight
                        && other.kind == Some(Kind::Probe)
                        && other.instance == *instance
                        && other.url == *url
                };
                if others.any(is_other_probe) {
                    return Err(format!("a second probe of {url} while one is in flight"));
                }
                match now.since(pause.waits_since) {
                    Some(passed) if passed < pause.wait && !attempt.is_test => Err(format!(
                        "a probe of {url} after {passed} ms, where {} are to be waited",
                        pause.wait
                    )),
                    _ => Ok(()),
                }
            }
        }
    }
}
