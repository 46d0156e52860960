//! One attempt: a POST, and what it comes to.

use std::rc::Rc;

use crate::driver::{Driver, STORE_PAUSE};
use crate::host::{Host, Level, Post, PostAnswer, PostFailure, StorageFailed};
use crate::key::Key;
use crate::record::{self, DeliveryRecord};
use crate::subscription::SubscriptionId;

use super::dead_letters::Death;
use super::health::Turn;
use super::lanes::Picked;
use super::message::Message;
use super::queue::{Flight, Outcome};
use super::settle::{Settled, Settling};
use super::verdict::{self, Verdict};

/// An attempt that has ended.
pub(super) struct Attempt {
    to: SubscriptionId,
    flight: Flight,
    key: Key,
    end: End,
}

enum End {
    /// It was made.
    Made(Rc<Message>, Result<PostAnswer, PostFailure>),
    /// Nothing may be sent to the subscriber any more.
    Forbidden,
    /// The store does not have what should be said.
    Missing,
    /// What should be said could not be read.
    Unread(StorageFailed),
}

impl<H: Host + 'static> Driver<H> {
    /// Makes an attempt, with the secret of the moment at which it is sent.
    pub(super) async fn attempt(
        self,
        to: SubscriptionId,
        flight: Flight,
        picked: Picked,
    ) -> Attempt {
        let Picked { key, message } = picked;
        let message = match message {
            Some(message) => Ok(Some(message)),
            None => self.read_message(to, key).await,
        };
        let end = match message {
            Ok(Some(message)) => match self.compose(to, &message) {
                Some(post) => End::Made(message, self.0.host.post(post).await),
                None => End::Forbidden,
            },
            Ok(None) => End::Missing,
            Err(error) => End::Unread(error),
        };
        Attempt {
            to,
            flight,
            key,
            end,
        }
    }

    /// The POST that tells a subscriber, if it may be told.
    pub(super) fn compose(&self, to: SubscriptionId, message: &Rc<Message>) -> Option<Post> {
        let inner = &*self.0;
        let subscriptions = inner.state.borrow().subscriptions.clone();
        let subscription = subscriptions
            .get(&to)
            .filter(|to| to.refused.is_none() && !inner.stopped.get())?;
        let secret = subscription.secret.as_ref();
        let seconds = inner.host.now() / 1000;
        let notification = inner.made.get(message, secret, seconds);
        Some(notification.to(subscription))
    }

    /// Takes an attempt's end in; what it changes in the store is to be settled.
    pub(super) fn end_attempt(&self, attempt: Attempt) -> Option<Settled> {
        let inner = &*self.0;
        let Attempt {
            to,
            flight,
            key,
            end,
        } = attempt;
        let (message, result) = match end {
            End::Made(message, result) => (message, result),
            End::Forbidden => {
                inner.with_queue(to, |queue, _, time| queue.end_unsent(flight, time, time));
                return None;
            }
            End::Missing => {
                inner.with_queue(to, |queue, _, time| queue.end_missing(flight, time));
                return None;
            }
            End::Unread(error) => {
                inner.warn(&format!("a delivery could not be read: {error}"));
                let pause = u64::try_from(STORE_PAUSE.as_millis()).unwrap_or(u64::MAX);
                inner.with_queue(to, |queue, _, time| {
                    queue.end_unsent(flight, time.saturating_add(pause), time);
                });
                return None;
            }
        };
        let why = verdict::why(&result);
        let result = match self.end_flight(to, flight, &result, &why)? {
            Outcome::Delivered => {
                inner.report.delivered();
                Settling::Delivered
            }
            Outcome::Again(history) => {
                let record = history.record(&message, |time| inner.clock.to_host(time));
                Settling::Again(record::put(record::delivery(to, key), &record))
            }
            Outcome::Dead(_) if inner.dead_letters.is_burying(to, key) => Settling::Unchanged,
            Outcome::Dead(attempts) => {
                let death = Death {
                    to,
                    key,
                    attempts,
                    reason: &why,
                };
                Settling::Dead(inner.dead_letter(death, &message.id, &message.event))
            }
            Outcome::Unchanged | Outcome::Gone => Settling::Unchanged,
        };
        let settled = Settled { to, key, result };
        inner.unsettled(&settled);
        Some(settled)
    }

    /// Tells a subscriber's queue how an attempt has ended, and the log if it failed.
    pub(super) fn end_flight(
        &self,
        to: SubscriptionId,
        flight: Flight,
        result: &Result<PostAnswer, PostFailure>,
        why: &str,
    ) -> Option<Outcome> {
        let inner = &*self.0;
        let verdict = Verdict::of(result, inner.host.now());
        let chance = match verdict {
            Verdict::Delivered => 0,
            _ => inner.host.random()[0],
        };
        let (outcome, turn) = inner.with_queue(to, |queue, _, time| {
            queue.end(flight, verdict, why, chance, time)
        })?;
        if verdict != Verdict::Delivered {
            self.report_failure(to, why);
        }
        self.report_turn(to, turn);
        if turn == Turn::Disabled {
            self.bury_all(to);
        }
        Some(outcome)
    }

    async fn read_message(
        &self,
        to: SubscriptionId,
        key: Key,
    ) -> Result<Option<Rc<Message>>, StorageFailed> {
        let name = record::delivery(to, key);
        let Some(value) = self.0.host.get(&name).await? else {
            return Ok(None);
        };
        let record = record::decode::<DeliveryRecord>(&name, &value);
        let record = record.inspect_err(|why| self.0.warn(why)).ok();
        Ok(record.map(|record| Rc::new(Message::from(record))))
    }

    fn report_failure(&self, to: SubscriptionId, why: &str) {
        let url = self.0.shown_url(to);
        let fields = [("subscriber", url.as_str()), ("reason", why)];
        self.0.host.log(Level::Warn, "an attempt failed", &fields);
        self.0.report.error(&format!("{url}: {why}"));
    }

    fn report_turn(&self, to: SubscriptionId, turn: Turn) {
        let (level, message) = match turn {
            Turn::None => return,
            Turn::Opened { .. } => (Level::Info, "a subscriber is open again"),
            Turn::Paused => (Level::Warn, "a subscriber is paused"),
            Turn::Disabled => (Level::Error, "a subscriber is disabled"),
        };
        let url = self.0.shown_url(to);
        self.0.host.log(level, message, &[("subscriber", &url)]);
        self.0.touch();
    }
}
