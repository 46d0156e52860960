//! The webhook by which Rhombus subscribes, lists doors and unlocks them: one verb a file.
//!
//! | verb | body | answers |
//! | --- | --- | --- |
//! | POST | `{"webhook": url, "secret"?: text}` | 201, 400, 422, 507, 503 |
//! | DELETE | `{"webhook": url}` | 202, 404, 400, 503 |
//! | GET | none | 200, 502 |
//! | PUT | `{"door_id": id}` | 200, 403, 501, 400 |
//!
//! Core may call twice for one HTTP request, so every verb is idempotent.

mod body;
mod delete;
mod get;
mod post;
mod put;
mod response;

pub use response::Response;

use crate::driver::Driver;
use crate::host::Host;

/// Who asks, if the host knows: for a PlaceOS webhook `webhook.<trigger>`. Security systems are told.
pub type Caller<'a> = Option<&'a str>;
/// A request's headers, names and values.
pub type Headers<'a> = &'a [(String, String)];

impl<H: Host + 'static> Driver<H> {
    /// Answers a request by its method; those that are none of the four are answered 405.
    pub async fn request(
        &self,
        caller: Caller<'_>,
        method: &str,
        headers: Headers<'_>,
        body: &[u8],
    ) -> Response {
        match method {
            "POST" => self.post(body).await,
            "DELETE" => self.delete(body).await,
            "GET" => self.get().await,
            "PUT" => self.put(caller, headers, body).await,
            _ => Response::error(405, "the webhook takes DELETE, GET, POST and PUT")
                .with_header("Allow", "DELETE, GET, POST, PUT"),
        }
    }
}

/// Core sends an empty object when it cannot merge settings. Beside an empty store that tells
/// nothing of what was subscribed, so nothing may be changed.
fn awaits_settings() -> Response {
    Response::error(
        503,
        "the module waits for its settings; repeat the request later",
    )
}
