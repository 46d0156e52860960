//! What happens in a slot, for operators who look on: the latest door events, how each receiver fares,
//! and the last hour in numbers. It is kept in memory and begins anew with the process; what must last
//! is in the module's store.

mod charts;
mod driver;
mod events;
mod latency;
mod receivers;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use serde_json::Value;
use tokio::sync::{broadcast, watch};

pub use charts::Minute;
pub use events::DoorEvent;
pub use receivers::Receiver;

use self::charts::Charts;
use self::driver::Watched;
use self::events::Events;
use self::latency::Arrivals;
use self::receivers::Receivers;

use crate::gateway::Driver;
use crate::host::clock::{Clock, SystemClock};
use crate::host::http::{Http, Post, PostAnswer, PostFailure};
use crate::host::status::Status;
use crate::host::{Answer, Capabilities};

/// Looks on. Clones are the same one.
#[derive(Clone)]
pub struct Watch(Arc<Inner>);

struct Inner {
    clock: SystemClock,
    seen: Mutex<Seen>,
    /// Wakes those who look on: a status key or a receiver is not what it was.
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct Seen {
    events: Events,
    receivers: Receivers,
    arrivals: Arrivals,
    charts: Charts,
}

impl Default for Watch {
    fn default() -> Self {
        Self(Arc::new(Inner {
            clock: SystemClock::default(),
            seen: Mutex::default(),
            changes: watch::Sender::default(),
        }))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    /// The same capabilities, looked at as they are used.
    pub fn over(&self, capabilities: Capabilities) -> Capabilities {
        Capabilities {
            http: Arc::new(Looked(capabilities.http, self.clone())),
            status: self.status(capabilities.status),
            ..capabilities
        }
    }

    /// The same place for a status; those who look on are told of what is set.
    pub fn status(&self, status: Arc<dyn Status>) -> Arc<dyn Status> {
        Arc::new(Looked(status, self.clone()))
    }

    /// The same driver; the door events that it accepts are seen.
    pub fn driver(&self, driver: Arc<dyn Driver>) -> Arc<dyn Driver> {
        Arc::new(Watched::new(driver, self.clone()))
    }

    /// What has happened at the doors, oldest first, and all that happens from now on: nothing in
    /// between is lost or told twice. Who does not keep up is told so by the receiver, and begins anew.
    pub(crate) fn events(&self) -> (Vec<DoorEvent>, broadcast::Receiver<DoorEvent>) {
        self.seen().events.listen()
    }

    /// Every receiver that something was sent to, by its shortened URL.
    pub(crate) fn receivers(&self) -> Vec<(String, Receiver)> {
        self.seen().receivers.all()
    }

    /// The last hour up to now, a minute each, oldest first.
    pub(crate) fn minutes(&self) -> Vec<Minute> {
        let now = self.now();
        self.seen().charts.minutes(now)
    }

    /// Is told of changes of the status and of the receivers.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }

    /// The driver has accepted an event.
    fn accepted(&self, event: &str, id: Option<&str>) {
        let now = self.now();
        let mut seen = self.seen();
        seen.charts.accepted(now);
        if let Some(id) = id {
            seen.arrivals.came(id, Instant::now());
        }
        if let Some(event) = DoorEvent::read(event, now) {
            seen.events.happened(event);
        }
    }

    fn posted(&self, url: &str, id: Option<&str>, begun: Instant, result: &PostResult) {
        let now = self.now();
        let failure = match result {
            Ok(answer) if (200..300).contains(&answer.status) => None,
            Ok(answer) => Some(format!("answered {}", answer.status)),
            Err(failure) => Some(failure.to_string()),
        };
        let mut seen = self.seen();
        let came = id.map_or(begun, |id| seen.arrivals.came(id, begun));
        match failure {
            None => seen.charts.delivered(now, came.elapsed()),
            Some(_) => seen.charts.failed(now),
        }
        seen.receivers.answered(url, failure, now);
        drop(seen);
        self.0.changes.send_replace(());
    }

    fn now(&self) -> u64 {
        self.0.clock.now()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // What is seen is for looking at only: half a change does no harm.
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A capability, and who looks on.
struct Looked<C: ?Sized>(Arc<C>, Watch);

type PostResult = Result<PostAnswer, PostFailure>;

impl Http for Looked<dyn Http> {
    fn post(&self, post: Post) -> Answer<PostResult> {
        let Self(http, watch) = self;
        let watch = watch.clone();
        let url = receivers::shown(&post.url);
        let id = post
            .headers
            .iter()
            .find(|(name, _)| name == "webhook-id")
            .map(|(_, id)| id.clone());
        let begun = Instant::now();
        let posted = http.post(post).inspect(move |result| {
            watch.posted(&url, id.as_deref(), begun, result);
        });
        posted.boxed()
    }

    fn check(&self, url: String) -> Answer<Result<(), String>> {
        self.0.check(url)
    }
}

impl Status for Looked<dyn Status> {
    fn set(&self, key: &str, json: &str) {
        let Self(status, watch) = self;
        status.set(key, json);
        if key == "pending" {
            let pending = serde_json::from_str::<Value>(json).ok();
            if let Some(pending) = pending.and_then(|value| value.as_u64()) {
                let now = watch.now();
                watch.seen().charts.pending(now, pending);
            }
        }
        watch.0.changes.send_replace(());
    }
}

/// A span of time in whole milliseconds.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
