//! The console's door: the admin key is shown once, and a cookie stands for it from then on.
//!
//! The cookie is HttpOnly, so that no script reads it, and SameSite=Strict, so that no page of another
//! site makes a browser send it. A site is a host, whatever the port, and browsers give a cookie to
//! every port of it. So what changes anything must also say in `Origin` that this gateway's own page
//! asks (`pages.rs` has refused all other origins by then); and the cookie's name has the port, so that
//! two gateways on one machine do not log each other's operators out.
//!
//! It is `Secure`, never to be sent in clear, if the page has come by https. That a proxy ends TLS is
//! known from the page's own `Origin`, which the browser writes and no page can; so no header of a proxy
//! has to be believed.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;

use super::Served;
use super::answer::{self, Refusal};
use super::host::Authority;
use super::sessions::Session;

pub(super) fn routes() -> Router<Arc<Served>> {
    Router::new()
        .route("/login", post(login))
        .route("/logout", post(logout))
}

/// The session whose cookie a request shows.
///
/// # Errors
///
/// It has one, and would change something without saying that the gateway's own page asks.
pub(super) fn session(served: &Served, request: &Request) -> Result<Option<Session>, Refusal> {
    let Some(authority) = request.extensions().get::<Authority>() else {
        return Ok(None);
    };
    let id = session_id(request.headers(), authority);
    let Some(session) = id.and_then(|id| served.sessions.find(id)) else {
        return Ok(None);
    };
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_safe || request.headers().contains_key(header::ORIGIN) {
        return Ok(Some(session));
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "a request with a session's cookie must say its Origin",
    ))
}

/// A key has no character that JSON would escape, so it is read where it lies and not copied.
#[derive(Deserialize)]
struct Shown<'a> {
    key: &'a str,
}

/// `{"key": "…"}` begins a session: 204. There is no limit of wrong keys, for the reason that
/// `places.rs` has.
async fn login(
    State(served): State<Arc<Served>>,
    Extension(authority): Extension<Authority>,
    request: Request,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let body = answer::read(body, &served.limits).await?;
    let shown: Shown<'_> = serde_json::from_slice(&body).map_err(|_| {
        let sentence = "the body must be an object with the admin key as key";
        Refusal::new(StatusCode::BAD_REQUEST, sentence)
    })?;
    if !served.site.keys.admin_key.is(shown.key.as_bytes()) {
        let sentence = "this is not the gateway's admin key";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, sentence));
    }
    let id = served.sessions.begin();
    let origin = head.headers.get(header::ORIGIN);
    let is_https = origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    let secure = if is_https { "; Secure" } else { "" };
    let name = cookie_name(&authority);
    let cookie = format!("{name}={}; {ATTRIBUTES}{secure}", id.as_str());
    tracing::info!("an operator has logged in at the console");
    Ok(with_cookie(&cookie))
}

/// Ends the session, if there is one: 204.
async fn logout(
    State(served): State<Arc<Served>>,
    Extension(authority): Extension<Authority>,
    request: Request,
) -> Result<Response, Refusal> {
    session(&served, &request)?;
    if let Some(id) = session_id(request.headers(), &authority) {
        served.sessions.end(id);
    }
    let name = cookie_name(&authority);
    Ok(with_cookie(&format!("{name}=; {ATTRIBUTES}; Max-Age=0")))
}

const ATTRIBUTES: &str = "Path=/; HttpOnly; SameSite=Strict";

fn cookie_name(authority: &Authority) -> String {
    match authority.port {
        Some(port) => format!("placeos-slot-{port}"),
        None => "placeos-slot".to_owned(),
    }
}

fn session_id<'a>(headers: &'a HeaderMap, authority: &Authority) -> Option<&'a [u8]> {
    let name = cookie_name(authority);
    let all = headers.get_all(header::COOKIE).iter();
    let mut pairs = all.flat_map(|cookies| cookies.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let pair = pair.trim_ascii();
        pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
    })
}

fn with_cookie(cookie: &str) -> Response {
    #[expect(clippy::expect_used, reason = "a cookie's parts are plain ASCII")]
    let mut cookie = HeaderValue::from_str(cookie).expect("a cookie's parts are plain ASCII");
    cookie.set_sensitive(true);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}
