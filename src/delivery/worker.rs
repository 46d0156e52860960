//! The delivery loop.

use std::future::pending;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, select_biased};

use crate::driver::Driver;
use crate::host::{Change, Host, Level, PostAnswer, PostFailure};
use crate::key::Key;
use crate::notification;
use crate::record::{self, DeadRecord, DeliveryRecord, Version};
use crate::subscription::SubscriptionId;

use super::retry;

/// The most attempts in flight in all.
const IN_FLIGHT: usize = 1024;
/// How long a store that failed is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How often the ids of old events are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// What the loop waits for.
enum Done {
    Attempt(Attempt),
    Settling,
    Task,
}

/// An attempt that has ended.
struct Attempt {
    to: SubscriptionId,
    key: Key,
    result: Result<PostAnswer, PostFailure>,
}

impl<H: Host + 'static> Driver<H> {
    /// Delivers, until [`stop`](Self::stop); then lets the attempts under way finish. It must be
    /// running for anything to be sent. A second call while one is running returns at once.
    pub async fn run(&self) {
        let inner = &*self.0;
        if inner.running.replace(true) {
            return;
        }
        self.spawn_housekeeping();
        let mut work = FuturesUnordered::<LocalBoxFuture<'_, Done>>::new();
        let mut timer = Timer::default();
        let mut in_flight = 0;
        let mut unsettled = Vec::new();
        let mut is_settling = false;
        loop {
            if inner.stopped.get() {
                if in_flight == 0 && !is_settling && unsettled.is_empty() {
                    break;
                }
            } else {
                self.read_pages();
                for (to, key) in self.due(IN_FLIGHT - in_flight) {
                    if let Some(attempt) = self.begin_attempt(to, key) {
                        work.push(Box::pin(attempt));
                        in_flight += 1;
                    }
                }
            }
            for task in inner.tasks.take() {
                work.push(Box::pin(task.map(|()| Done::Task)));
            }
            if !is_settling && !unsettled.is_empty() {
                is_settling = true;
                work.push(Box::pin(
                    self.settle(std::mem::take(&mut unsettled))
                        .map(|()| Done::Settling),
                ));
            }
            timer.set(&inner.host, self.next_deadline());
            select_biased! {
                done = work.select_next_some() => match done {
                    Done::Attempt(attempt) => {
                        in_flight -= 1;
                        unsettled.extend(self.end_attempt(attempt));
                    }
                    Done::Settling => is_settling = false,
                    Done::Task => {}
                },
                () = inner.tasks.bell().rung().fuse() => {}
                () = timer.fired().fuse() => inner.report.flush_if_due(&inner.host),
            }
        }
        inner.report.flush(&inner.host);
        inner.running.set(false);
    }

    fn spawn_housekeeping(&self) {
        let driver = self.clone();
        self.0.tasks.spawn(async move {
            if let Err(error) = driver.drop_orphans().await {
                driver.0.warn(&format!(
                    "deliveries of removed subscriptions stay for now: {error}"
                ));
            }
            if let Err(error) = driver.count_seen().await {
                driver.0.warn(&format!(
                    "the ids of old events could not be counted: {error}"
                ));
            }
            while !driver.0.stopped.get() {
                if let Err(error) = driver.forget_seen().await {
                    driver
                        .0
                        .warn(&format!("the ids of old events stay for now: {error}"));
                }
                driver.0.host.sleep(FORGET_EVERY).await;
            }
        });
    }

    /// Has the next pages of backlogs read, where there is room for them.
    fn read_pages(&self) {
        let wanted: Vec<_> = {
            let mut outbox = self.0.outbox.borrow_mut();
            let queues = outbox.queues.iter_mut();
            queues
                .filter_map(|(to, queue)| queue.takes_page().then_some(*to))
                .collect()
        };
        for to in wanted {
            let driver = self.clone();
            self.0.tasks.spawn(async move {
                if let Err(error) = driver.read_page(to).await {
                    driver
                        .0
                        .warn(&format!("pending deliveries could not be read: {error}"));
                    driver.0.host.sleep(STORE_PAUSE).await;
                }
                driver.0.tasks.bell().ring();
            });
        }
    }

    /// What an attempt should be made of now, at most `room` of them.
    fn due(&self, room: usize) -> Vec<(SubscriptionId, Key)> {
        let inner = &*self.0;
        let now = inner.host.now();
        let subscriptions = inner.state.borrow().subscriptions.clone();
        let outbox = inner.outbox.borrow();
        let mut due = Vec::new();
        for (to, queue) in &outbox.queues {
            let may_send = subscriptions.get(to).is_some_and(|to| to.refused.is_none());
            if may_send {
                due.extend(
                    queue
                        .due(now, room - due.len())
                        .into_iter()
                        .map(|key| (*to, key)),
                );
            }
        }
        due
    }

    /// Starts an attempt, with the secret of this moment.
    fn begin_attempt(
        &self,
        to: SubscriptionId,
        key: Key,
    ) -> Option<impl Future<Output = Done> + use<H>> {
        let inner = &*self.0;
        let subscription = inner.state.borrow().subscriptions.get(&to).cloned()?;
        let mut outbox = inner.outbox.borrow_mut();
        let delivery = outbox.queues.get_mut(&to)?.deliveries.get_mut(&key)?;
        delivery.in_flight = true;
        let post = notification::post(
            &subscription,
            &delivery.event,
            &delivery.event_id,
            inner.host.now(),
        );
        let driver = self.clone();
        Some(async move {
            let result = driver.0.host.post(post).await;
            Done::Attempt(Attempt { to, key, result })
        })
    }

    /// Takes an attempt's result in; what it changes in the store is to be settled. After DELETE it
    /// changes nothing.
    fn end_attempt(&self, attempt: Attempt) -> Vec<Change> {
        let inner = &*self.0;
        let Attempt { to, key, result } = attempt;
        let why = match result {
            Ok(PostAnswer {
                status: 200..=299, ..
            }) => None,
            Ok(PostAnswer { status, .. }) => Some(format!("the receiver answered {status}")),
            Err(failure) => Some(failure.to_string()),
        };
        let mut outbox = inner.outbox.borrow_mut();
        let Some(queue) = outbox.queues.get_mut(&to) else {
            return Vec::new();
        };
        let name = record::delivery(to, key);
        let Some(why) = why else {
            queue.deliveries.remove(&key);
            inner.report.delivered();
            return vec![Change::Delete { key: name }];
        };
        let Some(delivery) = queue.deliveries.get_mut(&key) else {
            return Vec::new();
        };
        delivery.attempts += 1;
        delivery.in_flight = false;
        let attempts = delivery.attempts;
        self.report_failure(to, attempts, &why);
        let event_id = delivery.event_id.clone();
        let event = delivery.event.clone();
        if attempts >= retry::MAX_ATTEMPTS {
            queue.deliveries.remove(&key);
            let at = inner.host.now();
            let dead = DeadRecord {
                v: Version,
                event_id,
                event,
                attempts,
                at,
                reason: why,
            };
            return vec![
                Change::Delete { key: name },
                record::put(record::dead(key, to), &dead),
            ];
        }
        let delay = retry::delay(attempts, inner.host.random()[0]);
        delivery.next = inner
            .host
            .now()
            .saturating_add(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        let next = delivery.next;
        vec![record::put(
            name,
            &DeliveryRecord {
                v: Version,
                event_id,
                event,
                attempts,
                next,
            },
        )]
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

    /// Writes what attempts have changed, all that has gathered at once. It is tried again until the
    /// store has it, or `stop`: the worst that comes of it is that something is sent again.
    async fn settle(&self, changes: Vec<Change>) {
        let inner = &*self.0;
        while let Err(error) = inner.host.commit(changes.clone()).await {
            inner.warn(&format!("deliveries could not be settled: {error}"));
            if inner.stopped.get() {
                return;
            }
            inner.host.sleep(STORE_PAUSE).await;
        }
    }

    /// When the loop must wake by itself.
    fn next_deadline(&self) -> Option<u64> {
        let inner = &*self.0;
        let now = inner.host.now();
        let report = inner.report.due();
        let outbox = inner.outbox.borrow();
        let attempt = outbox
            .queues
            .values()
            .filter_map(|queue| queue.next(now))
            .min();
        report.into_iter().chain(attempt).min()
    }
}

/// The one sleep of the loop, kept while nothing is due before it ends.
#[derive(Default)]
struct Timer<'a> {
    at: u64,
    sleep: Option<LocalBoxFuture<'a, ()>>,
}

impl<'a> Timer<'a> {
    /// Fires at `deadline` (milliseconds since 1970) or before.
    fn set(&mut self, host: &'a impl Host, deadline: Option<u64>) {
        let Some(deadline) = deadline else { return };
        if self.sleep.is_none() || deadline < self.at {
            let wait = Duration::from_millis(deadline.saturating_sub(host.now()));
            self.at = deadline;
            self.sleep = Some(Box::pin(host.sleep(wait)));
        }
    }

    async fn fired(&mut self) {
        match &mut self.sleep {
            Some(sleep) => sleep.await,
            None => pending().await,
        }
        self.sleep = None;
    }
}
