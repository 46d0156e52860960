//! The driver for JavaScript hosts: browsers, Node and edge runtimes.
//!
//! `pkg/index.d.ts` has the types of all that crosses; the names used here are its names. Every
//! method takes `&self`: many calls overlap, on one thread. Bodies, settings and events cross as
//! they came, unread: a door may be numbered beyond what a JavaScript number holds.

mod host;
mod timer;
mod values;

use wasm_bindgen::prelude::*;

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
    pub async fn update(&self, settings: String) {
        self.0.update(&settings).await;
    }

    /// Answers a webhook request by its method.
    #[wasm_bindgen(unchecked_return_type = "WebhookResponse")]
    pub async fn request(
        &self,
        method: String,
        #[wasm_bindgen(js_name = headers, unchecked_param_type = "readonly Header[]")]
        _headers: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] body: Vec<u8>,
        caller: Option<String>,
    ) -> JsValue {
        let response = self.0.request(caller.as_deref(), &method, &body).await;
        values::response(response)
    }

    /// Answers a POST: subscribes.
    #[wasm_bindgen(unchecked_return_type = "WebhookResponse")]
    pub async fn post(
        &self,
        #[wasm_bindgen(js_name = headers, unchecked_param_type = "readonly Header[]")]
        _headers: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] body: Vec<u8>,
        #[wasm_bindgen(js_name = caller)] _caller: Option<String>,
    ) -> JsValue {
        values::response(self.0.post(&body).await)
    }

    /// Answers a DELETE: unsubscribes.
    #[wasm_bindgen(unchecked_return_type = "WebhookResponse")]
    pub async fn delete(
        &self,
        #[wasm_bindgen(js_name = headers, unchecked_param_type = "readonly Header[]")]
        _headers: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] body: Vec<u8>,
        #[wasm_bindgen(js_name = caller)] _caller: Option<String>,
    ) -> JsValue {
        values::response(self.0.delete(&body).await)
    }

    /// Answers a GET: lists the doors.
    #[wasm_bindgen(unchecked_return_type = "WebhookResponse")]
    pub async fn get(
        &self,
        #[wasm_bindgen(js_name = headers, unchecked_param_type = "readonly Header[]")]
        _headers: JsValue,
        #[wasm_bindgen(js_name = body, unchecked_param_type = "Uint8Array")] _body: Vec<u8>,
        #[wasm_bindgen(js_name = caller)] _caller: Option<String>,
    ) -> JsValue {
        values::response(self.0.get().await)
    }

    /// Answers a PUT: unlocks a door.
    #[wasm_bindgen(unchecked_return_type = "WebhookResponse")]
    pub async fn put(
        &self,
        #[wasm_bindgen(js_name = headers, unchecked_param_type = "readonly Header[]")]
        _headers: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] body: Vec<u8>,
        caller: Option<String>,
    ) -> JsValue {
        values::response(self.0.put(caller.as_deref(), &body).await)
    }

    /// Takes a door event, as JSON text. Resolves once it is durable, before it is sent; rejects
    /// with a `DoorEventError`. `id` is the host's name for it, the same when it is offered again.
    #[wasm_bindgen(unchecked_return_type = "Acceptance")]
    pub async fn on_door_event(
        &self,
        event: String,
        id: Option<String>,
    ) -> Result<JsValue, JsValue> {
        values::acceptance(self.0.on_door_event(&event, id.as_deref()).await)
    }

    /// Keeps, as rejected, an event that ended two instances, without looking into it. Resolves with
    /// `"known"` if it was accepted before; otherwise rejects with a `DoorEventError`.
    #[wasm_bindgen(unchecked_return_type = "Acceptance")]
    pub async fn set_aside(
        &self,
        event: String,
        reason: String,
        id: Option<String>,
    ) -> Result<JsValue, JsValue> {
        values::acceptance(self.0.set_aside(&event, id.as_deref(), &reason).await)
    }

    /// Delivers, until `stop`; then resolves when the attempts under way have ended. It must be
    /// running for anything to be sent.
    pub async fn run(&self) {
        self.0.run().await;
    }

    /// Ends `run`; no attempt starts from then on. It comes before `free`.
    pub fn stop(&self) {
        self.0.stop();
    }
}
