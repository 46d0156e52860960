//! Calls that wait for the same work: they share one search for their doors, and people at one door an unlock.
//! Each is a task of its own in the component, and Wasmtime ends a component in which what one task has asked
//! for goes over to another.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join_all, ready};
use placeos_slot::host::clock::SystemClock;
use placeos_slot::host::doors::{Door, Doors, Outcome};
use placeos_slot::host::http::{Http, Post, PostAnswer, PostFailure};
use placeos_slot::host::log::Tracing;
use placeos_slot::host::random::SystemRandom;
use placeos_slot::host::settings::Settings;
use placeos_slot::host::status::Latest;
use placeos_slot::host::store::Store;
use placeos_slot::host::{Answer, Capabilities};
use placeos_slot::module::{Module, Request};
use tempfile::TempDir;

/// Starts of the module, and people at once after each.
const STARTS: usize = 20;
const PEOPLE: usize = 64;
/// Doors of each security system.
const DOORS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn people_at_doors_that_are_not_known_yet_are_all_let_in() {
    for_each_start(|person| format!("door-{person}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_at_the_same_few_doors_are_all_let_in() {
    for_each_start(|person| format!("door-{}", person % 4)).await;
}

/// Has everybody ask for a door just after a start, which is when nothing is known of doors.
async fn for_each_start(door: impl Fn(usize) -> String) {
    for _ in 0..STARTS {
        let folder = TempDir::new().unwrap();
        let settings = r#"{"organization_id":"event"}"#.to_owned();
        let (module, supervisor) = Module::embedded(capabilities(&folder), settings).unwrap();
        tokio::spawn(supervisor.run());
        module.ready().await.unwrap();
        let asked = (0..PEOPLE).map(|person| module.request(put(person, &door(person))));
        for answer in join_all(asked).await {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        module.stop().await;
    }
}

fn put(person: usize, door: &str) -> Request {
    Request {
        caller: Some(format!("webhook.trig-{person}")),
        method: "PUT".to_owned(),
        headers: Vec::new(),
        body: format!(r#"{{"door_id":"{door}"}}"#).into_bytes(),
    }
}

fn capabilities(folder: &TempDir) -> Capabilities {
    Capabilities {
        storage: Arc::new(Store::open(folder.path()).unwrap()),
        http: Arc::new(Nobody),
        doors: Arc::new(Building::default()),
        status: Arc::new(Latest::default()),
        settings: Arc::new(Nobody),
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemRandom),
        log: Arc::new(Tracing),
    }
}

/// Eight security systems, each of which takes another moment for each answer.
#[derive(Default)]
struct Building(AtomicU64);

impl Building {
    fn after_a_moment<T: Send + 'static>(&self, answer: T) -> Answer<Result<T, String>> {
        let moment = self.0.fetch_add(1, Ordering::SeqCst) % 7;
        async move {
            tokio::time::sleep(Duration::from_millis(moment)).await;
            Ok(answer)
        }
        .boxed()
    }
}

impl Doors for Building {
    fn systems(&self) -> Answer<Result<Vec<String>, String>> {
        let systems = (0..PEOPLE / DOORS).map(|system| system.to_string());
        self.after_a_moment(systems.collect())
    }

    fn list(&self, system: String) -> Answer<Result<Vec<Door>, String>> {
        let first = system.parse::<usize>().unwrap() * DOORS;
        let doors = (first..first + DOORS).map(|door| Door {
            id: format!("door-{door}"),
            description: None,
        });
        self.after_a_moment(doors.collect())
    }

    fn unlock(
        &self,
        _system: String,
        _door: String,
        _caller: Option<String>,
    ) -> Answer<Result<Outcome, String>> {
        self.after_a_moment(Outcome::Unlocked)
    }
}

/// Takes nothing, and is asked for nothing.
struct Nobody;

impl Http for Nobody {
    fn post(&self, _post: Post) -> Answer<Result<PostAnswer, PostFailure>> {
        ready(Err(PostFailure::Other("nobody is subscribed".to_owned()))).boxed()
    }

    fn check(&self, _url: String) -> Answer<Result<(), String>> {
        ready(Ok(())).boxed()
    }
}

impl Settings for Nobody {
    fn save(&self, _name: String, _json: String) -> Answer<Result<(), String>> {
        ready(Ok(())).boxed()
    }
}
