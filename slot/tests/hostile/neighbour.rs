//! The real driver, a module of the same process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use placeos_slot::host::clock::SystemClock;
use placeos_slot::host::doors::NoDoors;
use placeos_slot::host::http::{Http, Post, PostAnswer, PostFailure};
use placeos_slot::host::log::Tracing;
use placeos_slot::host::random::SystemRandom;
use placeos_slot::host::settings::Settings;
use placeos_slot::host::status::Latest;
use placeos_slot::host::store::Store;
use placeos_slot::host::{Answer, Capabilities};
use placeos_slot::module::{Acceptance, Module, Request};
use rig::program::until;
use serde_json::json;
use tempfile::TempDir;

const RECEIVER: &str = "https://webhooks.rhombussystems.com/neighbour";

/// Clones are the same neighbour.
#[derive(Clone)]
pub(crate) struct Neighbour(Arc<Inner>);

struct Inner {
    module: Module,
    received: Arc<Received>,
    events: AtomicUsize,
    _folder: TempDir,
}

impl Neighbour {
    /// One that is loaded.
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let received = Arc::<Received>::default();
        let capabilities = Capabilities {
            storage: Arc::new(Store::open(folder.path()).unwrap()),
            http: received.clone(),
            doors: Arc::new(NoDoors),
            status: Arc::new(Latest::default()),
            settings: received.clone(),
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom),
            log: Arc::new(Tracing),
        };
        let settings = json!({ "organization_id": "event" }).to_string();
        let (module, supervisor) = Module::embedded(capabilities, settings).unwrap();
        tokio::spawn(supervisor.run());
        module.ready().await.unwrap();
        Self(Arc::new(Inner {
            module,
            received,
            events: AtomicUsize::new(0),
            _folder: folder,
        }))
    }

    /// Sees that it does what it is for: it takes a subscription, and an event, which it delivers.
    pub(crate) async fn works(&self) {
        let Inner {
            module,
            received,
            events,
            ..
        } = &*self.0;
        let subscribing = Request {
            caller: None,
            method: "POST".to_owned(),
            headers: Vec::new(),
            body: json!({ "webhook": RECEIVER }).to_string().into_bytes(),
        };
        assert_eq!(module.request(subscribing).await.status, 201);
        let door = format!("door-{}", events.fetch_add(1, Ordering::Relaxed));
        let event = json!({ "door_id": door, "action": "granted" }).to_string();
        let accepted = module.door_event(event, None).await;
        assert_eq!(accepted, Ok(Acceptance::Accepted));
        until("the neighbour's event is delivered", async || {
            received.has(&door).then_some(())
        })
        .await;
    }
}

/// A receiver that takes everything.
#[derive(Default)]
struct Received(Mutex<Vec<String>>);

impl Received {
    fn has(&self, door: &str) -> bool {
        let door = json!(door).to_string();
        let bodies = self.0.lock().unwrap();
        bodies.iter().any(|body| body.contains(&door))
    }
}

impl Http for Received {
    fn post(&self, post: Post) -> Answer<Result<PostAnswer, PostFailure>> {
        let body = String::from_utf8(post.body).unwrap();
        self.0.lock().unwrap().push(body);
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

impl Settings for Received {
    fn save(&self, _name: String, _json: String) -> Answer<Result<(), String>> {
        async { Ok(()) }.boxed()
    }
}
