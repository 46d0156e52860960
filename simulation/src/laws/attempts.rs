//! What is sent.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::ledger::Ledger;
use crate::time::Moment;

pub(super) struct Attempts;

impl Law for Attempts {
    fn rule(&self) -> &'static str {
        "an event is sent only once it is saved, and not to one subscriber twice at the same time"
    }

    fn see(&mut self, _now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        let Fact::Attempt {
            attempt, instance, ..
        } = fact
        else {
            return Ok(());
        };
        let attempt = ledger.attempt(*attempt);
        let event = attempt.event.and_then(|event| ledger.events.get(event.0));
        if !ledger.owns(*instance) || event.is_some_and(|event| event.is_repeated) {
            return Ok(());
        }
        match ledger.delivery_of(attempt) {
            None if attempt.is_test => Ok(()),
            None => Err(format!(
                "{:?} was sent to {} and is not saved for it",
                attempt.event, attempt.url
            )),
            Some(delivery) if delivery.in_flight > 1 => Err(format!(
                "{} was sent to {} while it was being sent",
                delivery.event, delivery.url
            )),
            Some(_) => Ok(()),
        }
    }
}
