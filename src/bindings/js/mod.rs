//! The driver for JavaScript hosts: browsers, Node and edge runtimes.
//!
//! `pkg/index.d.ts` has the types of all that crosses; the names used here are its names. Every
//! method takes `&self`: many calls overlap, on one thread. Bodies, settings and events cross as
//! they came, unread: a door may be numbered beyond what a JavaScript number holds.

mod host;
mod timer;
mod values;

use futures_util::FutureExt;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::driver::Driver;

use host::JsHost;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
import type { Acceptance, Header, Host, WebhookResponse } from "./index.js";
"#;

/// The Rhombus driver, loaded on a host.
#[wasm_bindgen]
#[expect(
    missing_debug_implementations,
    reason = "it holds what a host keeps to itself"
)]
pub struct RhombusDriver(Driver<JsHost>);

#[wasm_bindgen]
impl RhombusDriver {
    /// Loads the driver: the host's store, then `settings`, a JSON object as text. Rejects with an
    /// `Error` that says why it cannot work; then nothing was changed.
    pub async fn load(
        #[wasm_bindgen(unchecked_param_type = "Host")] host: JsValue,
        settings: String,
    ) -> Result<Self, JsError> {
        let host = JsHost::new(host)?;
        Ok(Self(Driver::load(host, &settings).await?))
    }

    /// Takes whole new settings, a JSON object as text.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn update(&self, settings: String) -> Promise {
        self.begin(|driver| async move {
            driver.update(&settings).await;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Answers a webhook request by its method.
    #[wasm_bindgen(unchecked_return_type = "Promise<WebhookResponse>")]
    pub fn request(
        &self,
        method: String,
        #[wasm_bindgen(unchecked_param_type = "readonly Header[]")] headers: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] body: Vec<u8>,
        caller: Option<String>,
    ) -> Promise {
        let headers = values::headers(&headers);
        self.begin(|driver| async move {
            let caller = caller.as_deref();
            let response = driver.request(caller, &method, &headers, &body).await;
            Ok(values::response(response))
        })
    }

    /// Answers a POST: subscribes.
    #[wasm_bindgen(unchecked_return_type = "Promise<WebhookResponse>")]
    pub fn post(
        &self,
        #[wasm_bindgen(unchecked_param_type = "readonly Header[]")] headers: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] body: Vec<u8>,
        caller: Option<String>,
    ) -> Promise {
        self.request("POST".to_owned(), headers, body, caller)
    }

    /// Answers a DELETE: unsubscribes.
    #[wasm_bindgen(unchecked_return_type = "Promise<WebhookResponse>")]
    pub fn delete(
        &self,
        #[wasm_bindgen(unchecked_param_type = "readonly Header[]")] headers: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] body: Vec<u8>,
        caller: Option<String>,
    ) -> Promise {
        self.request("DELETE".to_owned(), headers, body, caller)
    }

    /// Answers a GET: lists the doors.
    #[wasm_bindgen(unchecked_return_type = "Promise<WebhookResponse>")]
    pub fn get(
        &self,
        #[wasm_bindgen(unchecked_param_type = "readonly Header[]")] headers: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] body: Vec<u8>,
        caller: Option<String>,
    ) -> Promise {
        self.request("GET".to_owned(), headers, body, caller)
    }

    /// Answers a PUT: unlocks a door.
    #[wasm_bindgen(unchecked_return_type = "Promise<WebhookResponse>")]
    pub fn put(
        &self,
        #[wasm_bindgen(unchecked_param_type = "readonly Header[]")] headers: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] body: Vec<u8>,
        caller: Option<String>,
    ) -> Promise {
        self.request("PUT".to_owned(), headers, body, caller)
    }

    /// Takes a door event, as JSON text. Resolves once it is durable, before it is sent; rejects
    /// with a `DoorEventError`. `id` is the host's name for it, the same when it is offered again.
    #[wasm_bindgen(unchecked_return_type = "Promise<Acceptance>")]
    pub fn on_door_event(&self, event: String, id: Option<String>) -> Promise {
        self.begin(|driver| async move {
            values::acceptance(driver.on_door_event(&event, id.as_deref()).await)
        })
    }

    /// Keeps, as rejected, an event that ended two instances, without looking into it. Resolves with
    /// `"known"` if it was accepted before; otherwise rejects with a `DoorEventError`.
    #[wasm_bindgen(unchecked_return_type = "Promise<Acceptance>")]
    pub fn set_aside(&self, event: String, reason: String, id: Option<String>) -> Promise {
        self.begin(|driver| async move {
            values::acceptance(driver.set_aside(&event, id.as_deref(), &reason).await)
        })
    }

    /// Calls a function of `driver.json` other than the webhook's, with a JSON object as text. Resolves
    /// with JSON text; rejects with a `CallError`.
    #[wasm_bindgen(unchecked_return_type = "Promise<string>")]
    pub fn call(&self, function: String, arguments: String) -> Promise {
        self.begin(|driver| async move { values::answer(driver.call(&function, &arguments).await) })
    }

    /// Delivers, until `stop`; then resolves when the attempts under way have ended. It must be
    /// running for anything to be sent.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn run(&self) -> Promise {
        self.begin(|driver| async move {
            driver.run().await;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Ends `run`; no attempt starts from then on. It comes before `free`.
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl RhombusDriver {
    /// Begins a call. It has the driver for itself: an `async` method would borrow the object until
    /// it is answered, and `free` would throw meanwhile.
    fn begin<F>(&self, call: impl FnOnce(Driver<JsHost>) -> F) -> Promise
    where
        F: Future<Output = Result<JsValue, JsValue>> + 'static,
    {
        // Boxed, all kinds of calls share the code that drives them.
        future_to_promise(call(self.0.clone()).boxed_local())
    }
}
