//! The delivery loop.

use std::future::pending;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, select_biased};

use crate::driver::{Driver, Inner};
use crate::host::Host;

use super::attempt::Attempt;

/// How often what is old is forgotten.
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
                self.shed();
                while let Some(attempt) = self.start_attempt() {
                    work.push(Box::pin(attempt.map(Done::Attempt)));
                    in_flight += 1;
                }
            }
            for task in inner.tasks.take() {
                work.push(Box::pin(task.map(|()| Done::Task)));
            }
            if !is_settling && !unsettled.is_empty() {
                is_settling = true;
                let settling = self.settle(std::mem::take(&mut unsettled));
                work.push(Box::pin(settling.map(|()| Done::Settling)));
            }
            timer.set(inner, self.next_deadline());
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
                () = timer.fired().fuse() => {}
            }
            inner.report.flush_if_due(inner);
        }
        inner.report.flush(inner);
        inner.running.set(false);
        // Who waits for them does them from now on.
        drop(inner.tasks.take());
    }

    fn start_attempt(&self) -> Option<impl Future<Output = Attempt> + use<H>> {
        let inner = &*self.0;
        let started = inner.outbox.borrow_mut().start(inner.time());
        let (to, flight, picked) = started?;
        Some(self.clone().attempt(to, flight, picked))
    }

    fn spawn_housekeeping(&self) {
        let driver = self.clone();
        self.0.tasks.spawn(async move {
            let inner = &*driver.0;
            if let Err(error) = driver.drop_orphans().await {
                inner.warn(&format!(
                    "deliveries of removed subscriptions stay for now: {error}"
                ));
            }
            if let Err(error) = driver.count_kept().await {
                inner.warn(&format!("old records could not be counted: {error}"));
            }
            if let Err(error) = driver.count_seen().await {
                inner.warn(&format!(
                    "the ids of old events could not be counted: {error}"
                ));
            }
            while !inner.stopped.get() {
                if let Err(error) = driver.forget_seen().await {
                    inner.warn(&format!("the ids of old events stay for now: {error}"));
                }
                if let Err(error) = driver.forget_kept().await {
                    inner.warn(&format!("old records stay for now: {error}"));
                }
                inner.host.sleep(FORGET_EVERY).await;
            }
        });
    }

    /// When the loop must wake by itself.
    fn next_deadline(&self) -> Option<u64> {
        let inner = &*self.0;
        let report = inner.report.due(inner);
        // None starts any more once it is stopped, however long it has been due.
        let attempt = match inner.stopped.get() {
            true => None,
            false => inner.outbox.borrow().next_start(),
        };
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
    /// Fires at `deadline` or before.
    fn set(&mut self, inner: &'a Inner<impl Host>, deadline: Option<u64>) {
        let Some(deadline) = deadline else { return };
        if self.sleep.is_none() || deadline < self.at {
            let wait = Duration::from_millis(deadline.saturating_sub(inner.time()));
            self.at = deadline;
            self.sleep = Some(Box::pin(inner.host.sleep(wait)));
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
