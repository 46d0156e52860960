//! What may be given up.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::health::State;
use crate::ledger::{Delivery, Ledger, News};
use crate::time::Moment;

pub(super) struct DeadLetters;

impl Law for DeadLetters {
    fn rule(&self) -> &'static str {
        "a delivery becomes a dead letter, with its reason, after 80 failed attempts or three \
         refusals of its body, when its subscriber is disabled or the store is full, or when an \
         operator discards it"
    }

    fn see(&mut self, _now: Moment, _fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        for news in &ledger.news {
            let News::Died {
                sub,
                key,
                event,
                reason,
            } = news
            else {
                continue;
            };
            if reason.trim().is_empty() {
                return Err(format!("{event:?} is a dead letter without a reason"));
            }
            let delivery = ledger.deliveries.get(&(*sub, *key));
            let has_failed = delivery.is_some_and(Delivery::must_die);
            let subscriber = ledger.subscribers.get(sub);
            let is_disabled = subscriber.is_some_and(|it| {
                matches!(it.health.state, State::Disabled | State::Unclear { .. })
            });
            let is_repeated = event.is_some_and(|event| ledger.events[event.0].is_repeated);
            let is_discarded = ledger.is_operated("discard");
            let is_full = ledger.kept.pending >= 200_000;
            if !(has_failed || is_repeated || is_disabled || is_discarded || is_full) {
                return Err(format!("{event:?} was given up without need: {reason}"));
            }
        }
        Ok(())
    }
}
