//! What attempts amount to.

use rhombus_driver::host::{Post, PostAnswer, PostFailure};

use super::{Attempt, Failure, Ledger};
use crate::fact::{AttemptId, Call, EventNumber, Instance, Url};
use crate::health::{Kind, Outcome};
use crate::record::{Key, Sub};
use crate::site::Receipt;
use crate::time::Moment;

impl Ledger {
    pub(super) fn begin_attempt(&mut self, now: Moment, instance: Instance, post: &Post) {
        let id = AttemptId(u32::try_from(self.attempts.len()).unwrap_or(u32::MAX));
        let url: Url = post.url.as_str().into();
        let name = post.headers.iter().find(|(name, _)| *name == "webhook-id");
        let event = name.and_then(|(_, name)| {
            let known = self.names.get(name.as_str()).copied();
            known.or_else(|| self.event_of(name, &serde_json::from_str(&post.body).ok()?))
        });
        let delivery = event.and_then(|event| self.stored_delivery(&url, event));
        let sub = delivery.map(|(sub, _)| sub).or_else(|| self.sub_at(&url));
        let key = delivery.map(|(_, key)| key);
        let is_owner = self.owns(instance);
        let mut kind = None;
        if let Some(subscriber) = sub.and_then(|sub| self.subscribers.get_mut(&sub)) {
            *subscriber.in_flight.entry(instance).or_default() += 1;
            kind = is_owner.then(|| subscriber.health.begin(id));
        }
        if is_owner && let Some(delivery) = delivery.and_then(|it| self.deliveries.get_mut(&it)) {
            delivery.attempts += 1;
            delivery.in_flight += 1;
        }
        let is_test = event.is_none() && self.is_tested(&url);
        self.attempts.push(Attempt {
            instance,
            began: now,
            url,
            event,
            sub,
            key,
            is_in_flight: true,
            kind,
            is_test,
        });
    }

    pub(super) fn taken(&mut self, now: Moment, attempt: AttemptId) {
        let attempt = &self.attempts[attempt.0 as usize];
        if let Some(event) = attempt.event {
            let at = now.elapsed;
            self.receipts
                .push((attempt.url.clone(), Receipt { at, event }));
        }
        if let Some((sub, key)) = attempt.sub.zip(attempt.key) {
            self.unlane(sub, key);
            if let Some(delivery) = self.deliveries.get_mut(&(sub, key)) {
                delivery.is_taken = true;
            }
        }
    }

    pub(super) fn end_attempt(
        &mut self,
        now: Moment,
        id: AttemptId,
        result: Option<&Result<PostAnswer, PostFailure>>,
    ) {
        let attempt = &mut self.attempts[id.0 as usize];
        attempt.is_in_flight = false;
        let Attempt {
            instance,
            sub,
            key,
            kind,
            is_test,
            ..
        } = *attempt;
        let Some(sub) = sub else { return };
        let Some(subscriber) = self.subscribers.get_mut(&sub) else {
            return;
        };
        if let Some(in_flight) = subscriber.in_flight.get_mut(&instance) {
            *in_flight = in_flight.saturating_sub(1);
        }
        if self.owner != Some(instance) {
            return;
        }
        let open_time = subscriber.health.open_time(now);
        let failure = Failure { at: now, open_time };
        let was_open = subscriber.health.is_open();
        let last_taken = subscriber.health.last_taken();
        let outcome = result.map(|result| Outcome::of(result, now));
        match outcome {
            None => subscriber.health.drop_attempt(id),
            // Which delivery it was of cannot be told, so neither can what follows from it.
            Some(outcome) if key.is_none() && !is_test && outcome != Outcome::Taken => {
                subscriber.health.lose_track(now);
            }
            Some(outcome) => subscriber.health.end(id, key, outcome, now),
        }
        let mut calls = self.calls.values();
        if !subscriber.health.is_open() && calls.any(|call| call.opens() == Some(&subscriber.url)) {
            subscriber.health.may_open(now);
        }
        if !was_open && subscriber.health.is_open() {
            self.all_due(sub, last_taken);
        }
        let delivery = key.and_then(|key| self.deliveries.get_mut(&(sub, key)));
        let (Some(delivery), Some(outcome)) = (delivery, outcome) else {
            return;
        };
        delivery.in_flight = delivery.in_flight.saturating_sub(1);
        if outcome == Outcome::Taken {
            delivery.told = Some(instance);
        }
        delivery.ever_refused += u32::from(outcome == Outcome::Refused);
        // What a probe comes to does not count.
        if outcome.counts() && kind != Some(Kind::Probe) {
            delivery.ever_failed += 1;
            delivery.first_failed.get_or_insert(failure);
            if kind == Some(Kind::Regular) {
                delivery.failed += 1;
                delivery.last_failed = Some(failure);
            } else {
                delivery.last_failed = None;
            }
        }
        if let Some(key) = key
            && delivery.must_die()
        {
            self.unlane(sub, key);
        }
    }

    /// A subscriber has opened: what has failed since it last took something is due at once.
    pub(super) fn all_due(&mut self, sub: Sub, last_taken: Option<Moment>) {
        let deliveries = self.deliveries.range_mut((sub, Key::FIRST)..);
        for (_, delivery) in deliveries.take_while(|((of, _), _)| *of == sub) {
            let since = last_taken.map_or(0, |taken| taken.elapsed);
            delivery.last_failed = delivery
                .last_failed
                .filter(|failed| failed.at.elapsed < since);
        }
    }

    /// The delivery that an attempt is of: of several, the newest that is stored.
    fn stored_delivery(&self, url: &Url, event: EventNumber) -> Option<(Sub, Key)> {
        if self.events[event.0].is_repeated {
            return None;
        }
        let all = self.of_event.get(&(url.clone(), event))?;
        let mut stored = all.iter().rev().filter(|id| {
            let delivery = self.deliveries.get(id);
            delivery.is_some_and(|delivery| delivery.is_stored)
        });
        stored.next().or(all.last()).copied()
    }

    /// The subscription of `url`.
    pub(crate) fn sub_at(&self, url: &str) -> Option<Sub> {
        let mut subscribers = self.subscribers.iter().rev();
        let found =
            subscribers.find(|(_, subscriber)| subscriber.is_subscribed && &*subscriber.url == url);
        found.map(|(sub, _)| *sub)
    }

    /// Whether an operator is sending a test event to `url`.
    fn is_tested(&self, url: &Url) -> bool {
        let mut calls = self.calls.values();
        calls.any(|call| match &call.what {
            Call::Operate {
                function: "send_test_event",
                url: Some(to),
                ..
            } => to == url,
            _ => false,
        })
    }
}
