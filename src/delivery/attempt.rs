//! One attempt: a POST, and what it comes to.

use crate::driver::Driver;
use crate::host::{Change, Host, Level, PostAnswer, PostFailure};
use crate::key::Key;
use crate::notification;
use crate::record::{self, DeadRecord, DeliveryRecord};
use crate::subscription::SubscriptionId;

use super::queue::Delivery;
use super::retry;

/// An attempt that has ended.
pub(super) struct Attempt {
    to: SubscriptionId,
    key: Key,
    result: Result<PostAnswer, PostFailure>,
}

/// What an attempt changes in the store.
pub(super) struct Settled {
    pub(super) to: SubscriptionId,
    pub(super) changes: Vec<Change>,
}

impl<H: Host + 'static> Driver<H> {
    /// Starts an attempt, with the secret of this moment.
    pub(super) fn begin_attempt(
        &self,
        to: SubscriptionId,
        key: Key,
    ) -> Option<impl Future<Output = Attempt> + use<H>> {
        let inner = &*self.0;
        let subscriptions = inner.state.borrow().subscriptions.clone();
        let subscription = subscriptions.get(&to)?;
        let mut outbox = inner.outbox.borrow_mut();
        let delivery = outbox.queues.get_mut(&to)?.get_mut(key)?;
        delivery.in_flight = true;
        let post = notification::post(
            subscription,
            &delivery.event,
            &delivery.event_id,
            inner.host.now(),
        );
        let driver = self.clone();
        Some(async move {
            let result = driver.0.host.post(post).await;
            Attempt { to, key, result }
        })
    }

    /// Takes an attempt's result in; what it changes in the store is to be settled.
    pub(super) fn end_attempt(&self, attempt: Attempt) -> Option<Settled> {
        let inner = &*self.0;
        let Attempt { to, key, result } = attempt;
        let mut outbox = inner.outbox.borrow_mut();
        let queue = outbox.queues.get_mut(&to)?;
        let name = record::delivery(to, key);
        let why = match result {
            Ok(PostAnswer {
                status: 200..=299, ..
            }) => {
                queue.remove(key)?;
                inner.report.delivered();
                return Some(Settled {
                    to,
                    changes: vec![Change::Delete { key: name }],
                });
            }
            Ok(PostAnswer { status, .. }) => format!("the receiver answered {status}"),
            Err(failure) => failure.to_string(),
        };
        let delivery = queue.get_mut(key)?;
        delivery.in_flight = false;
        delivery.attempts += 1;
        self.report_failure(to, delivery.attempts, &why);
        let changes = if delivery.attempts < retry::MAX_ATTEMPTS {
            let delay = retry::delay(delivery.attempts, inner.host.random()[0]);
            delivery.next =
                inner.host.now() + u64::try_from(delay.as_millis()).unwrap_or(u64::MAX / 2);
            vec![record::put(name, &DeliveryRecord::from(&*delivery))]
        } else {
            let delivery = queue.remove(key)?;
            vec![
                Change::Delete { key: name },
                record::put(record::dead(key, to), &self.dead(delivery, why)),
            ]
        };
        Some(Settled { to, changes })
    }

    fn dead(&self, delivery: Delivery, reason: String) -> DeadRecord {
        let DeliveryRecord {
            v,
            event_id,
            event,
            attempts,
            next: _,
        } = DeliveryRecord::from(&delivery);
        DeadRecord {
            v,
            event_id,
            event,
            attempts,
            at: self.0.host.now(),
            reason,
        }
    }

    fn report_failure(&self, to: SubscriptionId, attempts: u32, why: &str) {
        let inner = &*self.0;
        let url = inner
            .state
            .borrow()
            .subscriptions
            .get(&to)
            .map(|to| to.url.to_string());
        let url = url.unwrap_or_default();
        let fields = [
            ("subscriber", url.as_str()),
            ("attempts", &attempts.to_string()),
            ("reason", why),
        ];
        inner.host.log(Level::Warn, "an attempt failed", &fields);
        inner.report.error(&format!("{url}: {why}"));
    }
}
