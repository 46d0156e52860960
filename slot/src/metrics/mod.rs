//! What the slot counts, and what its module's status says in numbers, for Prometheus.
//!
//! Labels are of small fixed sets: never a URL, a door, a person or a key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::host::Capabilities;
use crate::host::status::Latest;
use crate::module::{Acceptance, EventError};

use self::capabilities::Counted;
use self::status::ModuleStatus;

mod capabilities;
mod status;

/// The content type of [`Metrics::text`].
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// Counts. Clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    posts: Outcomes,
    post_seconds: Histogram,
    commits: Outcomes,
    commit_seconds: Histogram,
    unlocks: Outcomes,
    events: Outcomes,
    webhook_requests: Family<WebhookRequest, Counter>,
    module_restarts: Counter,
    registry: Registry,
}

/// A counter by outcome.
type Outcomes = Family<[(&'static str, &'static str); 1], Counter>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct WebhookRequest {
    method: &'static str,
    status: u16,
}

/// Upper bounds of the buckets, in seconds: an attempt has ten seconds.
const POST_BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// A good disk makes a commit in less than a millisecond.
const COMMIT_BUCKETS: [f64; 11] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
];

impl Metrics {
    /// Nothing is counted yet. `status` is where the module's status is.
    pub fn new(status: Arc<Latest>) -> Self {
        let inner = Inner {
            posts: outcomes(&capabilities::POSTS),
            post_seconds: Histogram::new(POST_BUCKETS),
            commits: outcomes(&capabilities::COMMITS),
            commit_seconds: Histogram::new(COMMIT_BUCKETS),
            unlocks: outcomes(&capabilities::UNLOCKS),
            events: outcomes(&EVENTS),
            webhook_requests: Family::default(),
            module_restarts: Counter::default(),
            registry: Registry::default(),
        };
        Self(Arc::new(inner.registered(status)))
    }

    /// The same capabilities, their use counted.
    pub fn counting(&self, capabilities: Capabilities) -> Capabilities {
        Capabilities {
            storage: Arc::new(Counted::new(capabilities.storage, self)),
            http: Arc::new(Counted::new(capabilities.http, self)),
            doors: Arc::new(Counted::new(capabilities.doors, self)),
            ..capabilities
        }
    }

    /// A request to the webhook was answered.
    pub fn webhook_request(&self, method: &Method, status: StatusCode) {
        let method = match *method {
            Method::GET => "GET",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::DELETE => "DELETE",
            _ => "other",
        };
        let status = status.as_u16();
        let request = WebhookRequest { method, status };
        self.0.webhook_requests.get_or_create(&request).inc();
    }

    /// A door event that was sent to the slot was answered.
    pub fn event(&self, answer: &Result<Acceptance, EventError>) {
        count(
            &self.0.events,
            match answer {
                Ok(Acceptance::Accepted) => "accepted",
                Ok(Acceptance::Known) => "known",
                Err(EventError::Rejected(_)) => "rejected",
                Err(EventError::Unsaved(_)) => "unsaved",
            },
        );
    }

    /// Another instance of the module is loaded, as the last one has failed.
    pub fn module_restarted(&self) {
        self.0.module_restarts.inc();
    }

    /// All of them, in Prometheus' text format 0.0.4.
    ///
    /// # Errors
    ///
    /// Never with what is counted here; it is the encoder's.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.0.registry)?;
        Ok(text)
    }

    fn posted(&self, outcome: &'static str, took: Duration) {
        count(&self.0.posts, outcome);
        self.0.post_seconds.observe(took.as_secs_f64());
    }

    fn committed(&self, outcome: &'static str, took: Duration) {
        count(&self.0.commits, outcome);
        self.0.commit_seconds.observe(took.as_secs_f64());
    }

    fn unlocked(&self, outcome: &'static str) {
        count(&self.0.unlocks, outcome);
    }
}

impl Inner {
    fn registered(mut self, status: Arc<Latest>) -> Self {
        let slot = self.registry.sub_registry_with_prefix("placeos_slot");
        slot.register(
            "posts",
            "Attempts to deliver to a receiver, by the class of its status or by what went wrong",
            self.posts.clone(),
        );
        slot.register_with_unit(
            "post_duration",
            "How long attempts took, up to the end of the answer",
            Unit::Seconds,
            self.post_seconds.clone(),
        );
        slot.register(
            "commits",
            "Commits to the store: made, refused as a record exists already, or failed",
            self.commits.clone(),
        );
        slot.register_with_unit(
            "commit_duration",
            "How long commits took until they were durable",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        slot.register(
            "webhook_requests",
            "Requests to the webhook, by method and the status of the answer",
            self.webhook_requests.clone(),
        );
        slot.register(
            "events",
            "Door events sent to the slot, by the answer: accepted, known already, rejected as unreadable, unsaved",
            self.events.clone(),
        );
        slot.register(
            "unlocks",
            "Doors that a security system was asked to unlock, by its answer",
            self.unlocks.clone(),
        );
        slot.register(
            "module_restarts",
            "Times that the module failed and was loaded anew",
            self.module_restarts.clone(),
        );
        self.registry
            .sub_registry_with_prefix("rhombus")
            .register_collector(Box::new(ModuleStatus::new(status)));
        self
    }
}

/// What a door event can be answered.
const EVENTS: [&str; 4] = ["accepted", "known", "rejected", "unsaved"];

/// A counter by outcome that shows all of them from the start: what rises from nothing is not seen to
/// rise.
fn outcomes(all: &[&'static str]) -> Outcomes {
    let outcomes = Outcomes::default();
    for outcome in all {
        drop(outcomes.get_or_create(&[("outcome", outcome)]));
    }
    outcomes
}

fn count(outcomes: &Outcomes, outcome: &'static str) {
    outcomes.get_or_create(&[("outcome", outcome)]).inc();
}
