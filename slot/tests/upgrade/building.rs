//! A building that this version takes over: its store is the old one, receivers and the clock are the
//! test's.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use placeos_slot::host::clock::{Clock, SystemClock};
use placeos_slot::host::doors::NoDoors;
use placeos_slot::host::http::{Http, Post, PostAnswer, PostFailure};
use placeos_slot::host::log::Tracing;
use placeos_slot::host::random::SystemRandom;
use placeos_slot::host::settings::Settings;
use placeos_slot::host::status::Latest;
use placeos_slot::host::storage::Storage;
use placeos_slot::host::{Answer, Capabilities};
use placeos_slot::module::{Module, Request};
use rig::program::until;
use serde_json::{Value, json};

/// How long after it was left the store is opened. Whatever failed is due again by then.
const LATER: Duration = Duration::from_secs(20);
/// So much time passes then, and no more: the head of a lane that has failed leaves it after a minute, and
/// would be overtaken on a machine that is slow.
const MOST: Duration = Duration::from_secs(30);

/// A module of this version over a store.
pub(crate) struct Building {
    pub(crate) module: Module,
    sent: Arc<Sent>,
    status: Arc<Latest>,
}

/// A POST that was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrival {
    pub(crate) url: String,
    pub(crate) id: String,
    pub(crate) is_signed: bool,
    pub(crate) door: String,
}

impl Building {
    /// Loads the module, without settings: it has those of the store. `left` is when the store was
    /// left, since 1970.
    ///
    /// # Errors
    ///
    /// Why it is not loaded.
    pub(crate) async fn load(store: Arc<dyn Storage>, left: Duration) -> Result<Self, String> {
        let sent = Arc::<Sent>::default();
        let status = Arc::<Latest>::default();
        let capabilities = Capabilities {
            storage: store,
            http: sent.clone(),
            doors: Arc::new(NoDoors),
            status: status.clone(),
            settings: Arc::new(Unsaved),
            clock: Arc::new(Later {
                clock: SystemClock::default(),
                left,
            }),
            random: Arc::new(SystemRandom),
            log: Arc::new(Tracing),
        };
        let (module, supervisor) = Module::embedded(capabilities, "{}".to_owned()).unwrap();
        tokio::spawn(supervisor.run());
        module.ready().await?;
        Ok(Self {
            module,
            sent,
            status,
        })
    }

    /// What has come to the receivers, in the order in which it came.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.sent.0.lock().unwrap().clone()
    }

    /// Waits until so many POSTs have come; all that have.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Arrival> {
        until("the deliveries", async || {
            let arrivals = self.arrivals();
            (arrivals.len() >= count).then_some(arrivals)
        })
        .await
    }

    /// A status key, once it is there.
    pub(crate) async fn status(&self, key: &str) -> Value {
        until(key, async || self.status.all().get(key).cloned()).await
    }

    /// An operator's function.
    pub(crate) async fn call(&self, function: &str, arguments: Value) -> Value {
        let answer = self.module.call(function.to_owned(), arguments.to_string());
        serde_json::from_str(&answer.await.unwrap()).unwrap()
    }

    /// Unsubscribes; the status.
    pub(crate) async fn unsubscribe(&self, webhook: &str) -> u16 {
        let request = Request {
            caller: None,
            method: "DELETE".to_owned(),
            headers: Vec::new(),
            body: json!({ "webhook": webhook }).to_string().into(),
        };
        self.module.request(request).await.status
    }
}

/// Receivers that take everything.
#[derive(Default)]
struct Sent(Mutex<Vec<Arrival>>);

impl Http for Sent {
    fn post(&self, post: Post) -> Answer<Result<PostAnswer, PostFailure>> {
        let header = |name: &str| {
            let mut headers = post.headers.iter();
            let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        let body: Value = serde_json::from_slice(&post.body).unwrap();
        self.0.lock().unwrap().push(Arrival {
            id: header("webhook-id").unwrap(),
            is_signed: header("webhook-signature").is_some(),
            url: post.url,
            door: body["door_id"].as_str().unwrap().to_owned(),
        });
        let answer = PostAnswer {
            status: 200,
            headers: Vec::new(),
            body: Vec::new(),
        };
        async { Ok(answer) }.boxed()
    }

    fn check(&self, _url: String) -> Answer<Result<(), String>> {
        async { Ok(()) }.boxed()
    }
}

/// The module's own settings are of no interest here.
struct Unsaved;

impl Settings for Unsaved {
    fn save(&self, _name: String, _json: String) -> Answer<Result<(), String>> {
        async { Ok(()) }.boxed()
    }
}

/// The machine's clock, which says another time, and stops.
struct Later {
    clock: SystemClock,
    left: Duration,
}

impl Clock for Later {
    fn now(&self) -> u64 {
        let now = self.left + LATER + self.elapsed();
        u64::try_from(now.as_millis()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed().min(MOST)
    }

    fn sleep(&self, duration: Duration) -> Answer<()> {
        self.clock.sleep(duration)
    }
}
