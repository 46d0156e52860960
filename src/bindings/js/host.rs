//! A JavaScript object as the driver's host. What it throws, rejects with or answers against its
//! type becomes the error of that call; so does silence, where nothing in the driver limits it.

use std::time::Duration;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::{timer, values};
use crate::deadline::within;
use crate::door::UnlockOutcome;
use crate::host::{
    Change, CommitError, Host, Level, ListedDoor, Post, PostAnswer, PostFailure, StorageFailed,
};

/// After this a host counts as one that never answers.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

#[wasm_bindgen]
extern "C" {
    type HostObject;
    #[wasm_bindgen(method, getter, catch)]
    fn storage(this: &HostObject) -> Result<Storage, JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn http(this: &HostObject) -> Result<Http, JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn doors(this: &HostObject) -> Result<Doors, JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn status(this: &HostObject) -> Result<Option<Status>, JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn settings(this: &HostObject) -> Result<Settings, JsValue>;
    #[wasm_bindgen(method, getter, catch, js_name = log)]
    fn has_log(this: &HostObject) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn log(
        this: &HostObject,
        level: &str,
        message: &str,
        fields: &JsValue,
    ) -> Result<JsValue, JsValue>;

    type Storage;
    #[wasm_bindgen(method, catch)]
    fn get(this: &Storage, key: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn scan(
        this: &Storage,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn commit(this: &Storage, changes: &JsValue) -> Result<JsValue, JsValue>;

    type Http;
    #[wasm_bindgen(method, catch)]
    fn post(this: &Http, request: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, getter, catch, js_name = check)]
    fn has_check(this: &Http) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn check(this: &Http, url: &str) -> Result<JsValue, JsValue>;

    type Doors;
    #[wasm_bindgen(method, catch)]
    fn systems(this: &Doors) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn list(this: &Doors, system: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn unlock(
        this: &Doors,
        system: &str,
        door: &str,
        caller: Option<&str>,
    ) -> Result<JsValue, JsValue>;

    type Status;
    #[wasm_bindgen(method, catch)]
    fn set(this: &Status, key: &str, json: &str) -> Result<JsValue, JsValue>;

    type Settings;
    #[wasm_bindgen(method, catch)]
    fn save(this: &Settings, name: &str, json: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
    #[wasm_bindgen(catch, js_namespace = Promise, js_name = resolve)]
    fn promise_of(value: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = console, js_name = debug)]
    fn console_debug(message: &str, fields: &JsValue);
    #[wasm_bindgen(js_namespace = console, js_name = info)]
    fn console_info(message: &str, fields: &JsValue);
    #[wasm_bindgen(js_namespace = console, js_name = warn)]
    fn console_warn(message: &str, fields: &JsValue);
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(message: &str, fields: &JsValue);
}

/// The host that `load` was given.
pub(super) struct JsHost(HostObject);

impl JsHost {
    /// Takes `object` as a host. The error says what the realm lacks.
    pub(super) fn new(object: JsValue) -> Result<Self, JsError> {
        getrandom::fill(&mut [0; 16])
            .map_err(|_| JsError::new("crypto.getRandomValues gives no random bytes"))?;
        Ok(Self(object.unchecked_into()))
    }

    /// What the host answers to a call within its limit.
    async fn answer(&self, called: Result<JsValue, JsValue>) -> Result<JsValue, String> {
        let answer = within(self, ANSWERS_WITHIN, answer(called)).await;
        answer.unwrap_or_else(|| Err("the host does not answer".to_owned()))
    }
}

impl Host for JsHost {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageFailed> {
        let called = self.0.storage().and_then(|storage| storage.get(key));
        let answer = self.answer(called).await;
        answer.and_then(values::record).map_err(StorageFailed)
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, StorageFailed> {
        let storage = self.0.storage();
        let called = storage.and_then(|storage| storage.scan(prefix, after, limit));
        let answer = self.answer(called).await;
        answer.and_then(values::page).map_err(StorageFailed)
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), CommitError> {
        let changes = values::changes(changes);
        let called = self
            .0
            .storage()
            .and_then(|storage| storage.commit(&changes));
        let answer = self.answer(called).await.map_err(CommitError::Failed)?;
        values::committed(&answer)
    }

    async fn post(&self, post: Post) -> Result<PostAnswer, PostFailure> {
        let timeout = post.timeout;
        let request = values::post(post);
        let called = self.0.http().and_then(|http| http.post(&request));
        let answer = within(self, timeout, answer(called)).await;
        let answer = answer
            .ok_or(PostFailure::Timeout)?
            .map_err(PostFailure::Other)?;
        values::post_answer(&answer)
    }

    async fn check_url(&self, url: &str) -> Result<(), String> {
        let called = self.0.http().and_then(|http| {
            if http.has_check()?.is_undefined() {
                return Ok(JsValue::UNDEFINED);
            }
            http.check(url)
        });
        values::checked(&self.answer(called).await?)
    }

    async fn systems(&self) -> Result<Vec<String>, String> {
        let called = self.0.doors().and_then(|doors| doors.systems());
        answer(called).await.and_then(values::names)
    }

    async fn doors(&self, system: &str) -> Result<Vec<ListedDoor>, String> {
        let called = self.0.doors().and_then(|doors| doors.list(system));
        answer(called).await.and_then(values::doors)
    }

    async fn unlock(
        &self,
        system: &str,
        door: &str,
        caller: Option<&str>,
    ) -> Result<UnlockOutcome, String> {
        let doors = self.0.doors();
        let called = doors.and_then(|doors| doors.unlock(system, door, caller));
        values::outcome(&answer(called).await?)
    }

    fn set_status(&self, key: &str, json: &str) {
        let status = self.0.status();
        leave(status.and_then(|status| match status {
            Some(status) => status.set(key, json),
            None => Ok(JsValue::UNDEFINED),
        }));
    }

    async fn save_setting(&self, name: &str, json: &str) -> Result<(), String> {
        let called = self
            .0
            .settings()
            .and_then(|settings| settings.save(name, json));
        self.answer(called).await.map(drop)
    }

    fn now(&self) -> u64 {
        date_now() as u64
    }

    async fn sleep(&self, duration: Duration) {
        timer::sleep(duration).await;
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        #[expect(
            clippy::expect_used,
            reason = "`new` has seen that this realm gives random bytes"
        )]
        getrandom::fill(&mut bytes).expect("random bytes");
        bytes
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields = values::fields(fields);
        let is_own = self.0.has_log().is_ok_and(|log| !log.is_undefined());
        match level {
            level if is_own => leave(self.0.log(values::level(level), message, &fields)),
            Level::Debug => console_debug(message, &fields),
            Level::Info => console_info(message, &fields),
            Level::Warn => console_warn(message, &fields),
            Level::Error => console_error(message, &fields),
        }
    }
}

/// What a promise, or a plain value, comes to.
async fn answer(called: Result<JsValue, JsValue>) -> Result<JsValue, String> {
    let promise = called.and_then(|answer| promise_of(&answer));
    let promise = promise.map_err(|error| values::reason(&error))?;
    let answer = JsFuture::from(promise).await;
    answer.map_err(|error| values::reason(&error))
}

/// Nobody is told when what is shown cannot be shown. A promise that nobody waits for and that is
/// rejected would end a process in Node.
fn leave(called: Result<JsValue, JsValue>) {
    if called.as_ref().is_ok_and(JsValue::is_object) {
        spawn_local(async {
            let _ = answer(called).await;
        });
    }
}
