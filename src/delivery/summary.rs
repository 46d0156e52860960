//! What operators see of delivery: who is sent to, and what waits.

use serde_json::{Value, json};

use crate::driver::Inner;
use crate::host::Host;
use crate::kept::Kind;
use crate::subscription::SubscriptionId;

use super::queue::Queue;

/// A subscriber that is paused for so long, in milliseconds, needs an operator's eye.
const PAUSED_LONG: u64 = 5 * 60 * 1000;
/// For how long it is shown that something was given up because there was too much of it.
const OVERFLOW_SHOWN: u64 = 24 * 60 * 60 * 1000;

impl<H: Host> Inner<H> {
    /// Sets the status keys `subscriptions`, `pending`, `dead_letters`, `oldest_pending_seconds` and
    /// `alert`.
    pub(crate) fn summarize(&self) {
        let time = self.time();
        let outbox = self.outbox.borrow();
        let report = &self.report;
        report.set("subscriptions", &self.subscriptions());
        report.set("pending", &outbox.pending());
        report.set("dead_letters", &self.kept.count(Kind::Dead));
        let oldest = outbox.oldest().map_or(0, |(key, _)| {
            self.host.now().saturating_sub(key.millis()) / 1000
        });
        report.set("oldest_pending_seconds", &oldest);
        report.set("alert", &self.alert(time));
    }

    /// Whether what is shown changes as time goes by.
    pub(crate) fn is_aging(&self) -> bool {
        let outbox = self.outbox.borrow();
        let is_paused = |(_, queue): (_, &Queue)| queue.health.paused_since().is_some();
        outbox.pending() > 0 || outbox.queues().any(is_paused)
    }

    /// A subscriber's URL, shortened.
    pub(super) fn shown_url(&self, to: SubscriptionId) -> String {
        let state = self.state.borrow();
        let subscription = state.subscriptions.get(&to);
        subscription.map_or_else(String::new, |to| to.url.to_string())
    }

    fn subscriptions(&self) -> Vec<Value> {
        let state = self.state.borrow();
        let outbox = self.outbox.borrow();
        let mut shown = Vec::new();
        for (id, subscription) in state.subscriptions.iter() {
            let queue = outbox.get(*id);
            let health = queue.map(|queue| &queue.health);
            let (name, why) = match &subscription.refused {
                Some(why) => ("refused", Some(why.as_str())),
                None => (
                    health.map_or("open", |health| health.name()),
                    health.and_then(|health| health.why()),
                ),
            };
            let mut entry = json!({
                "id": id.to_string(),
                "webhook": subscription.url.to_string(),
                "state": name,
                "pending": queue.map_or(0, |queue| queue.pending()),
            });
            if let Some(why) = why {
                entry["why"] = why.into();
            }
            shown.push(entry);
        }
        let unreadable = state.book.unreadable().iter();
        shown.extend(unreadable.map(|why| json!({"state": "refused", "why": why})));
        shown
    }

    /// What needs an operator's eye, one sentence each.
    fn alert(&self, time: u64) -> Vec<String> {
        let outbox = self.outbox.borrow();
        let mut alerts = Vec::new();
        for (id, queue) in outbox.queues() {
            let health = &queue.health;
            let since = health.paused_since();
            let what = if health.is_disabled() {
                "is disabled"
            } else if health.is_given_up() {
                "has not taken a delivery for a week, and is tried hourly"
            } else if since.is_some_and(|since| time.saturating_sub(since) > PAUSED_LONG) {
                "has been paused for more than five minutes"
            } else {
                continue;
            };
            let why = health.why().unwrap_or("for no reason that is known");
            alerts.push(format!("{} {what}: {why}", self.shown_url(id)));
        }
        let overflowed = self.kept.overflowed_at();
        if overflowed.is_some_and(|at| time.saturating_sub(at) < OVERFLOW_SHOWN) {
            alerts.push("there was too much to keep, and the oldest was given up".to_owned());
        }
        alerts
    }
}
