//! The delivery loop.

use std::future::pending;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, select_biased};

use crate::driver::{Driver, STORE_PAUSE};
use crate::host::Host;
use crate::key::Key;
use crate::subscription::SubscriptionId;

use super::attempt::{Attempt, Settled};

/// The most attempts in flight in all.
const IN_FLIGHT: usize = 1024;
/// How often the ids of old events are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// What the loop waits for.
enum Done {
    Attempt(Attempt),
    Settling,
    Task,
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
                        work.push(Box::pin(attempt.map(Done::Attempt)));
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
        let pages = self.0.outbox.borrow_mut().begin_pages();
        for (to, read_to) in pages {
            let driver = self.clone();
            self.0
                .tasks
                .spawn(async move { driver.read_page(to, read_to).await });
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

    /// Writes what attempts have come to, all that has gathered at once. It is tried again until the
    /// store has it, or `stop`: the worst that comes of it is that something is sent again.
    async fn settle(&self, mut settled: Vec<Settled>) {
        let inner = &*self.0;
        loop {
            // After DELETE an attempt's result writes nothing, or it would bring a delivery back.
            let subscriptions = inner.state.borrow().subscriptions.clone();
            settled.retain(|settled| subscriptions.contains_key(&settled.to));
            let changes: Vec<_> = settled
                .iter()
                .flat_map(|settled| settled.changes.clone())
                .collect();
            if changes.is_empty() {
                return;
            }
            let Err(error) = inner.host.commit(changes).await else {
                return;
            };
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
        let report = inner.report.due(now);
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
