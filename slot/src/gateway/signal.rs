//! Door events by HTTP, on the route by which PlaceOS takes what drivers publish on a channel.
//!
//! An answer of 200 is given after the driver's commit: whoever gets it may forget the event.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use axum::routing::post;
use serde_json::json;
use url::form_urlencoded;

use super::answer::{self, Parameter, Refusal};
use super::{Served, Site};
use crate::module::{Acceptance, EventError};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const CHANNEL: Parameter = Parameter {
    name: "channel",
    kind: "String",
};

pub(super) fn routes() -> Router<Arc<Served>> {
    Router::new().route("/api/engine/v2/signal", post(signal))
}

async fn signal(State(served): State<Arc<Served>>, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    check_key(&served.site, &head.headers)?;
    check_channel(&served.site, head.uri.query().unwrap_or_default())?;
    let id = event_id(&head.headers)?;
    let body = answer::read(body, &served.limits).await?;
    let event = String::from_utf8(body.into())
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the body is not UTF-8 text"))?;
    let taken = |how| Ok(answer::json(StatusCode::OK, &json!({ "event": how })));
    let places = &served.places.events;
    let answer = places
        .occupy(|| served.driver.door_event(event, id))
        .await?;
    served.metrics.event(&answer);
    match answer {
        Ok(Acceptance::Accepted) => taken("accepted"),
        Ok(Acceptance::Known) => taken("known"),
        Err(EventError::Rejected(reason)) => {
            Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, reason))
        }
        Err(EventError::Unsaved(reason)) => {
            tracing::warn!(reason, "a door event is not known to be saved");
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, UNSAVED))
        }
    }
}

const UNSAVED: &str = "the event is not known to be saved; send it again, with the same \
                       Idempotency-Key if it has one";

fn check_key(site: &Site, headers: &HeaderMap) -> Result<(), Refusal> {
    let known = headers
        .get(X_API_KEY)
        .is_some_and(|given| site.keys.event_key.is(given.as_bytes()));
    known.then_some(()).ok_or_else(|| {
        Refusal::new(
            StatusCode::UNAUTHORIZED,
            "the header X-API-Key must carry this gateway's event key",
        )
    })
}

/// Another channel than the module's is an error here: a site that sends to the wrong one would
/// otherwise lose every event behind a row of 200s.
fn check_channel(site: &Site, query: &str) -> Result<(), Refusal> {
    let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "channel");
    match given {
        None => Err(Refusal::missing(CHANNEL)),
        Some((_, channel)) if channel == site.channel.as_str() => Ok(()),
        Some(_) => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            format!("the module listens to the channel {}", site.channel),
        )),
    }
}

/// The sender's own name for the event, under which it may send it again.
fn event_id(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(given) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match given.to_str() {
        Ok(id) if (1..=64).contains(&id.len()) && id.bytes().all(plain) => Ok(Some(id.to_owned())),
        _ => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "an Idempotency-Key is 1 to 64 of the characters A-Z, a-z, 0-9, _ and -",
        )),
    }
}
