//! What a paused subscriber gets.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::health::State;
use crate::ledger::Ledger;
use crate::time::Moment;

pub(super) struct Probes;

impl Law for Probes {
    fn rule(&self) -> &'static str {
        "a paused subscriber gets one probe at a time, 1, 2, 4 … 60 s after the one before, or what \
         its Retry-After says, up to an hour; a disabled one gets nothing"
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
        let subscriber = attempt
            .delivery
            .and_then(|(sub, _)| ledger.subscribers.get(&sub));
        let Some(subscriber) = subscriber.filter(|_| ledger.owns(*instance)) else {
            return Ok(());
        };
        let url = &attempt.url;
        match subscriber.health.state {
            State::Unknown | State::Open { .. } => Ok(()),
            State::Disabled => Err(format!("an attempt to {url}, which is disabled")),
            State::Paused(pause) => {
                let others = ledger.attempts.iter().rev().skip(1).take(1024);
                let mut others = others.filter(|other| {
                    other.is_in_flight
                        && other.is_probe
                        && other.instance == *instance
                        && other.url == *url
                });
                if others.next().is_some() {
                    return Err(format!("a second probe of {url} while one is in flight"));
                }
                match now.since(pause.waits_since) {
                    Some(passed) if passed < pause.wait => Err(format!(
                        "a probe of {url} after {passed} ms, where {} are to be waited",
                        pause.wait
                    )),
                    _ => Ok(()),
                }
            }
        }
    }
}
