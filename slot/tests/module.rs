//! What a slot gives a module, and what it does not.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join_all, ready};
use placeos_slot::host::clock::SystemClock;
use placeos_slot::host::doors::NoDoors;
use placeos_slot::host::http::{Http, Post, PostAnswer, PostFailure};
use placeos_slot::host::log::Tracing;
use placeos_slot::host::random::SystemRandom;
use placeos_slot::host::settings::Settings;
use placeos_slot::host::status::Latest;
use placeos_slot::host::store::Store;
use placeos_slot::host::{Answer, Capabilities};
use placeos_slot::module::{Acceptance, EventError, Manifest, Module, Request, StartError};
use tempfile::TempDir;

const DRIVER: &[u8] = include_bytes!(env!("RHOMBUS_DRIVER"));
/// How long what must come to pass may take.
const LIMIT: Duration = Duration::from_secs(60);
const SETTINGS: &str = r#"{"organization_id":"event"}"#;

#[test]
fn a_module_that_wants_more_than_it_declares_is_refused() {
    for undeclared in Manifest::embedded().capabilities {
        let mut manifest = Manifest::embedded();
        manifest
            .capabilities
            .retain(|capability| *capability != undeclared);
        let folder = TempDir::new().unwrap();
        let capabilities = capabilities(&folder, &Arc::default());
        // SAFETY: these are the bytes of this build.
        let started =
            unsafe { Module::from_compiled(DRIVER, manifest, capabilities, SETTINGS.to_owned()) };
        match started.map(drop) {
            Err(StartError::Undeclared(import)) => {
                assert!(
                    import.starts_with(&format!("placeos:slot/{undeclared}@")),
                    "{import}"
                );
            }
            other => panic!("without {undeclared}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_too_large_for_the_modules_memory_ends_the_instance_and_the_next_one_serves() {
    let folder = TempDir::new().unwrap();
    let (module, supervisor) =
        Module::embedded(capabilities(&folder, &Arc::default()), SETTINGS.to_owned()).unwrap();
    tokio::spawn(supervisor.run());
    module.ready().await.unwrap();

    let subscribed = module
        .request(post("https://webhooks.rhombussystems.com/a"))
        .await;
    assert_eq!(subscribed.status, 201);
    let mut huge = post("https://webhooks.rhombussystems.com/b");
    huge.body = vec![b' '; 256 << 20];
    assert_eq!(module.request(huge).await.status, 500);

    until(|| module.is_ready()).await;
    let again = module
        .request(post("https://webhooks.rhombussystems.com/a"))
        .await;
    assert_eq!(again.status, 201);
    module.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_traps_while_it_stops_has_stopped() {
    let folder = TempDir::new().unwrap();
    let (module, supervisor) =
        Module::embedded(capabilities(&folder, &Arc::default()), SETTINGS.to_owned()).unwrap();
    let supervised = tokio::spawn(supervisor.run());
    module.ready().await.unwrap();

    let mut huge = post("https://webhooks.rhombussystems.com/a");
    huge.body = vec![b' '; 256 << 20];
    let stopping = async { tokio::join!(module.request(huge), module.stop()) };
    let (response, ()) = tokio::time::timeout(LIMIT, stopping).await.unwrap();
    assert_eq!(response.status, 500);
    tokio::time::timeout(LIMIT, supervised)
        .await
        .unwrap()
        .unwrap();
    let late = module.request(post("https://webhooks.rhombussystems.com/b"));
    assert_eq!(late.await.status, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_module_that_does_not_load() {
    let folder = TempDir::new().unwrap();
    let capabilities = capabilities(&folder, &Arc::default());
    let huge = format!("{{{}}}", " ".repeat(256 << 20));
    let (module, supervisor) = Module::embedded(capabilities, huge).unwrap();
    tokio::spawn(supervisor.run());
    let event = r#"{"door_id":"lobby","action":"granted"}"#.to_owned();
    let offered = tokio::time::timeout(LIMIT, module.door_event(event, None))
        .await
        .unwrap();
    assert!(
        matches!(offered, Err(EventError::Unsaved(_))),
        "{offered:?}"
    );
    assert!(module.ready().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_ten_events_and_an_update_are_in_flight_at_once() {
    let folder = TempDir::new().unwrap();
    let sent = Arc::<Sent>::default();
    let (module, supervisor) =
        Module::embedded(capabilities(&folder, &sent), SETTINGS.to_owned()).unwrap();
    tokio::spawn(supervisor.run());
    module.ready().await.unwrap();

    let subscribing =
        (0..50).map(|number| post(&format!("https://webhooks.rhombussystems.com/{number}")));
    let subscribing = join_all(subscribing.map(|request| module.request(request)));
    let updating = module.update(r#"{"organization_id":"event","contract":"deployed"}"#.to_owned());
    let (subscribed, ()) = tokio::join!(subscribing, updating);
    assert!(
        subscribed.iter().all(|response| response.status == 201),
        "{subscribed:?}"
    );

    let event =
        |number| format!(r#"{{"door_id":{number},"action":"granted","timestamp":1767225600}}"#);
    let accepting = join_all(
        (0..10).map(|number| module.door_event(event(number), Some(format!("event-{number}")))),
    );
    let accepted = accepting.await;
    assert!(
        accepted
            .iter()
            .all(|accepted| *accepted == Ok(Acceptance::Accepted)),
        "{accepted:?}"
    );
    until(|| sent.0.lock().unwrap().len() == 500).await;
    module.stop().await;
    let mut sent = sent.0.lock().unwrap().clone();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 500, "each event to each subscriber once");
}

fn post(webhook: &str) -> Request {
    Request {
        caller: None,
        method: "POST".to_owned(),
        headers: Vec::new(),
        body: format!(r#"{{"webhook":"{webhook}"}}"#).into_bytes(),
    }
}

fn capabilities(folder: &TempDir, sent: &Arc<Sent>) -> Capabilities {
    Capabilities {
        storage: Arc::new(Store::open(folder.path()).unwrap()),
        http: sent.clone(),
        doors: Arc::new(NoDoors),
        status: Arc::new(Latest::default()),
        settings: Arc::new(Forgets),
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemRandom),
        log: Arc::new(Tracing),
    }
}

/// Receivers that take everything: URLs and the ids of events.
#[derive(Default)]
struct Sent(Mutex<Vec<(String, String)>>);

impl Http for Sent {
    fn post(&self, post: Post) -> Answer<Result<PostAnswer, PostFailure>> {
        let id = post
            .headers
            .iter()
            .find(|(name, _)| name == "webhook-id")
            .unwrap()
            .1
            .clone();
        self.0.lock().unwrap().push((post.url, id));
        ready(Ok(PostAnswer {
            status: 200,
            headers: Vec::new(),
            body: Vec::new(),
        }))
        .boxed()
    }

    fn check(&self, _url: String) -> Answer<Result<(), String>> {
        ready(Ok(())).boxed()
    }
}

struct Forgets;

impl Settings for Forgets {
    fn save(&self, _name: String, _json: String) -> Answer<Result<(), String>> {
        ready(Ok(())).boxed()
    }
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting)
        .await
        .expect("it comes to pass within a minute");
}
