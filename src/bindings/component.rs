//! The driver as a component, for a module slot (`wit/slot.wit`).
//!
//! An instance holds one driver. Its calls overlap, on one thread.

use std::cell::RefCell;
use std::time::Duration;

use crate::door::UnlockOutcome;
use crate::driver::Driver;
use crate::host::{
    Change, CommitError, Host, Level, ListedDoor, Post, PostAnswer, PostFailure, StorageFailed,
};
use crate::intake::{Acceptance, EventError};
use crate::operators::CallError;
use crate::webhook::Response;

mod wit {
    use super::Component;

    wit_bindgen::generate!({ path: "wit", world: "module" });
    export!(Component);
}

use wit::exports::placeos::slot::driver as exports;
use wit::placeos::slot::{doors, http, log, random, settings, status, storage, time};

struct Component;

thread_local! {
    static DRIVER: RefCell<Option<Driver<Slot>>> = const { RefCell::new(None) };
}

/// The instance's driver. A slot calls `load` first, and nothing else if that fails.
#[expect(
    clippy::expect_used,
    reason = "a slot calls nothing before load has succeeded"
)]
fn driver() -> Driver<Slot> {
    DRIVER
        .with_borrow(Clone::clone)
        .expect("the module is loaded")
}

impl exports::Guest for Component {
    async fn load(settings: String) -> Result<(), String> {
        let driver = Driver::load(Slot, &settings)
            .await
            .map_err(|error| error.to_string())?;
        DRIVER.set(Some(driver));
        Ok(())
    }

    async fn update(settings: String) {
        driver().update(&settings).await;
    }

    async fn request(
        caller: Option<String>,
        method: String,
        headers: Vec<exports::Header>,
        body: Vec<u8>,
    ) -> exports::Response {
        driver()
            .request(caller.as_deref(), &method, &pairs(headers), &body)
            .await
            .into()
    }

    async fn post(
        _caller: Option<String>,
        _headers: Vec<exports::Header>,
        body: Vec<u8>,
    ) -> exports::Response {
        driver().post(&body).await.into()
    }

    async fn delete(
        _caller: Option<String>,
        _headers: Vec<exports::Header>,
        body: Vec<u8>,
    ) -> exports::Response {
        driver().delete(&body).await.into()
    }

    async fn get(
        _caller: Option<String>,
        _headers: Vec<exports::Header>,
        _body: Vec<u8>,
    ) -> exports::Response {
        driver().get().await.into()
    }

    async fn put(
        caller: Option<String>,
        headers: Vec<exports::Header>,
        body: Vec<u8>,
    ) -> exports::Response {
        driver()
            .put(caller.as_deref(), &pairs(headers), &body)
            .await
            .into()
    }

    async fn on_door_event(
        event: String,
        id: Option<String>,
    ) -> Result<exports::Acceptance, exports::EventError> {
        let accepted = driver().on_door_event(&event, id.as_deref()).await;
        accepted.map(Into::into).map_err(Into::into)
    }

    async fn set_aside(
        event: String,
        id: Option<String>,
        reason: String,
    ) -> Result<exports::Acceptance, exports::EventError> {
        let kept = driver().set_aside(&event, id.as_deref(), &reason).await;
        kept.map(Into::into).map_err(Into::into)
    }

    async fn call(function: String, arguments: String) -> Result<String, exports::CallError> {
        let answer = driver().call(&function, &arguments).await;
        answer.map_err(Into::into)
    }

    async fn run() {
        driver().run().await;
    }

    async fn stop() {
        driver().stop();
    }
}

/// The slot, as the driver's host.
struct Slot;

impl Host for Slot {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageFailed> {
        storage::get(key.to_owned()).await.map_err(StorageFailed)
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, StorageFailed> {
        let page = storage::scan(prefix.to_owned(), after.map(str::to_owned), limit)
            .await
            .map_err(StorageFailed)?;
        Ok(page
            .into_iter()
            .map(|entry| (entry.key, entry.value))
            .collect())
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), CommitError> {
        Ok(storage::commit(changes.into_iter().map(Into::into).collect()).await?)
    }

    async fn post(&self, post: Post) -> Result<PostAnswer, PostFailure> {
        Ok(http::post(post.into()).await?.into())
    }

    async fn check_url(&self, url: &str) -> Result<(), String> {
        http::check(url.to_owned()).await
    }

    async fn systems(&self) -> Result<Vec<String>, String> {
        doors::systems().await
    }

    async fn doors(&self, system: &str) -> Result<Vec<ListedDoor>, String> {
        let doors = doors::list(system.to_owned()).await?;
        Ok(doors.into_iter().map(Into::into).collect())
    }

    async fn unlock(
        &self,
        system: &str,
        door: &str,
        caller: Option<&str>,
    ) -> Result<UnlockOutcome, String> {
        let outcome = doors::unlock(
            system.to_owned(),
            door.to_owned(),
            caller.map(str::to_owned),
        )
        .await?;
        Ok(outcome.into())
    }

    fn set_status(&self, key: &str, json: &str) {
        status::set(key, json);
    }

    async fn save_setting(&self, name: &str, json: &str) -> Result<(), String> {
        settings::save(name.to_owned(), json.to_owned()).await
    }

    fn now(&self) -> u64 {
        time::now()
    }

    async fn sleep(&self, duration: Duration) {
        time::sleep(duration.as_millis().try_into().unwrap_or(u64::MAX)).await;
    }

    fn random(&self) -> [u8; 16] {
        #[expect(
            clippy::expect_used,
            reason = "the interface gives as many bytes as are asked for"
        )]
        random::bytes(16).try_into().expect("sixteen bytes")
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let field = |&(name, value): &(&str, &str)| log::Field {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        log::log(
            level.into(),
            message,
            &fields.iter().map(field).collect::<Vec<_>>(),
        );
    }
}

fn pairs(headers: Vec<exports::Header>) -> Vec<(String, String)> {
    let pair = |header: exports::Header| (header.name, header.value);
    headers.into_iter().map(pair).collect()
}

impl From<Change> for storage::Change {
    fn from(change: Change) -> Self {
        match change {
            Change::Put { key, value } => Self::Put(storage::Entry { key, value }),
            Change::Delete { key } => Self::Delete(key),
            Change::PutIfAbsent { key, value } => Self::PutIfAbsent(storage::Entry { key, value }),
        }
    }
}

impl From<storage::CommitError> for CommitError {
    fn from(error: storage::CommitError) -> Self {
        match error {
            storage::CommitError::Exists(key) => Self::Exists(key),
            storage::CommitError::Failed(why) => Self::Failed(why),
        }
    }
}

impl From<Post> for http::Request {
    fn from(post: Post) -> Self {
        let header = |(name, value): (&str, String)| http::Header {
            name: name.to_owned(),
            value,
        };
        Self {
            url: post.url,
            headers: post.headers.into_iter().map(header).collect(),
            body: post.body.into_bytes(),
            timeout_ms: post.timeout.as_millis().try_into().unwrap_or(u32::MAX),
            wanted: vec!["retry-after".to_owned()],
        }
    }
}

impl From<http::Response> for PostAnswer {
    fn from(answer: http::Response) -> Self {
        let retry_after = answer
            .headers
            .into_iter()
            .find(|header| header.name == "retry-after");
        Self {
            status: answer.status,
            retry_after: retry_after.map(|header| header.value),
        }
    }
}

impl From<http::Failure> for PostFailure {
    fn from(failure: http::Failure) -> Self {
        match failure {
            http::Failure::Dns(why) => Self::Dns(why),
            http::Failure::Refused(why) => Self::Refused(why),
            http::Failure::Timeout => Self::Timeout,
            http::Failure::Tls(why) => Self::Tls(why),
            http::Failure::Blocked(why) => Self::Blocked(why),
            http::Failure::TooLarge => Self::TooLarge,
            http::Failure::Other(why) => Self::Other(why),
        }
    }
}

impl From<doors::Door> for ListedDoor {
    fn from(door: doors::Door) -> Self {
        Self {
            id: door.id,
            description: door.description,
        }
    }
}

impl From<doors::Outcome> for UnlockOutcome {
    fn from(outcome: doors::Outcome) -> Self {
        match outcome {
            doors::Outcome::Unlocked => Self::Unlocked,
            doors::Outcome::Refused => Self::Refused,
            doors::Outcome::Unsupported => Self::Unsupported,
        }
    }
}

impl From<Level> for log::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

impl From<Response> for exports::Response {
    fn from(response: Response) -> Self {
        let header = |(name, value): (&str, &str)| exports::Header {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let headers = response.headers.into_iter().map(header).collect();
        Self {
            status: response.status,
            headers,
            body: response.body,
        }
    }
}

impl From<Acceptance> for exports::Acceptance {
    fn from(acceptance: Acceptance) -> Self {
        match acceptance {
            Acceptance::Accepted => Self::Accepted,
            Acceptance::Known => Self::Known,
        }
    }
}

impl From<CallError> for exports::CallError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unknown => Self::Unknown,
            CallError::Invalid(why) => Self::Invalid(why),
            CallError::Failed(why) => Self::Failed(why),
        }
    }
}

impl From<EventError> for exports::EventError {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Rejected(reason) => Self::Rejected(reason),
            EventError::Unsaved(why) => Self::Unsaved(why),
        }
    }
}
