//! How many requests the module works on at a time.
//!
//! Each kind of caller has places of its own, so that no one of them keeps the others out: a flood of
//! webhook requests must not cost a door event, and an operator must get in beside both. Nobody
//! queues for a place: who is told at once can go elsewhere or come again.
//!
//! Requests that are answered quickly never fill their places, and still take the module's time, of
//! which door events and deliveries need theirs. So the webhook's have a rate too. Events have none:
//! one that is refused may be lost.
//!
//! There is no limit of wrong keys. A key has 256 random bits, so guessing is hopeless at any speed;
//! and behind a proxy all callers have one address, so whoever guessed could lock everybody out.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use tokio::sync::Semaphore;

use super::answer::Refusal;
use super::limits::Limits;
use super::rate::Rate;
use crate::host::Answer;

/// The places of each kind of caller.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) webhook: Kind,
    pub(super) events: Kind,
    pub(super) operators: Kind,
}

/// Places of one kind.
#[derive(Debug)]
pub(super) struct Kind {
    places: Arc<Semaphore>,
    rate: Option<Rate>,
}

impl Places {
    pub(super) fn new(limits: &Limits) -> Self {
        let kind = |places, rate| Kind {
            places: Arc::new(Semaphore::new(places)),
            rate,
        };
        let rate = Rate::new(limits.webhook_requests_a_second);
        Self {
            webhook: kind(limits.webhook_requests, Some(rate)),
            events: kind(limits.event_requests, None),
            operators: kind(limits.operator_requests, None),
        }
    }
}

impl Kind {
    /// Has `work` done in one of these places, to its end: a client that hangs up neither ends what
    /// was begun for it nor gets its place back before that.
    pub(super) async fn occupy<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Answer<T>,
    ) -> Result<T, Refusal> {
        let is_too_often = |rate: &Rate| !rate.take(Instant::now());
        if self.rate.as_ref().is_some_and(is_too_often) {
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too many requests a second; try again in a moment",
            ));
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many requests are being worked on; try again in a moment",
            )
        })?;
        let work = work();
        let done = tokio::spawn(async move {
            let done = work.await;
            drop(place);
            done
        });
        done.await.map_err(|_| {
            tracing::error!("a request was not worked on to its end");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the request failed")
        })
    }
}
