//! Lanes.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::health::State;
use crate::ledger::{Delivery, Ledger};
use crate::time::{MINUTE, Moment};

pub(super) struct Order;

impl Law for Order {
    fn rule(&self) -> &'static str {
        "events of one door reach a subscriber in order: a delivery is first attempted when each \
         older one of its lane is settled, or has failed first a minute of open time ago"
    }

    fn see(&mut self, now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        let Fact::Attempt {
            attempt, instance, ..
        } = fact
        else {
            return Ok(());
        };
        let attempt = ledger.attempt(*attempt);
        let (Some(sub), Some(key)) = (attempt.sub, attempt.key) else {
            return Ok(());
        };
        let delivery = ledger.delivery_of(attempt);
        let Some(delivery) = delivery.filter(|it| it.attempts == 1 && !it.is_redelivered) else {
            return Ok(());
        };
        let Some(subscriber) = ledger.subscriber_of(attempt) else {
            return Ok(());
        };
        // The lanes' next deliveries may be probes, as the heads may be what is refused.
        let may_be_probe = match subscriber.health.state {
            State::Paused(pause) => pause.answered >= 5,
            State::Unclear { .. } => true,
            State::Open { .. } | State::Disabled => false,
        };
        if !ledger.owns(*instance) || may_be_probe {
            return Ok(());
        }
        let lane = subscriber.lanes.get(&delivery.door).into_iter().flatten();
        let mut older = lane
            .take_while(|older| **older < key)
            .filter_map(|older| ledger.deliveries.get(&(sub, *older)));
        let holds = |older: &Delivery| {
            let has_moved_on = older.first_failed.is_some_and(|failed| {
                let open_time = subscriber.health.open_time(now) - failed.open_time;
                now.since(failed.at).is_none() || open_time >= MINUTE
            });
            let is_repeated = ledger.events[older.event.0].is_repeated;
            !has_moved_on && !older.is_in_doubt && !older.is_redelivered && !is_repeated
        };
        match older.find(|older| holds(older)) {
            Some(older) => Err(format!(
                "{} was attempted for {} while {} at the same door was pending",
                delivery.event, delivery.url, older.event
            )),
            None => Ok(()),
        }
    }
}
