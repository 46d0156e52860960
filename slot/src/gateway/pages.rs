//! What keeps pages in browsers away.
//!
//! An operator's browser can reach the gateway from inside the building, and any page that it shows
//! can make it try: by a script, a form or an image. Such a request says in `Origin` or
//! `Sec-Fetch-Site` that a page elsewhere has made it, and is refused on every route: 403. Rhombus'
//! servers, senders of events, Prometheus and probes send neither. And no answer has a header of CORS:
//! whatever a page has made happen, it does not see what came of it.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::answer::Refusal;
use super::assets::MayBeKept;
use super::host::Authority;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what a page has made that is not of the `addressed` gateway itself.
pub(super) fn check(headers: &HeaderMap, addressed: &Authority) -> Result<(), Refusal> {
    let origins = headers.get_all(header::ORIGIN);
    let sites = headers.get_all(SEC_FETCH_SITE);
    let is_own = origins.iter().all(|origin| is_of(origin, addressed))
        // `none` is what somebody has typed.
        && sites.iter().all(|site| site == "same-origin" || site == "none");
    is_own.then_some(()).ok_or_else(|| {
        Refusal::new(
            StatusCode::FORBIDDEN,
            "a page from elsewhere must not use this gateway",
        )
    })
}

/// Whether a page of this origin has come from `addressed`. A proxy may end TLS in front, and so the
/// scheme is either.
fn is_of(origin: &HeaderValue, addressed: &Authority) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    [("http://", 80), ("https://", 443)]
        .into_iter()
        .any(|(scheme, port)| {
            let authority = origin.strip_prefix(scheme).map(str::parse::<Authority>);
            authority.is_some_and(|authority| {
                authority.is_ok_and(|authority| {
                    authority.host == addressed.host
                        && authority.port.unwrap_or(port) == addressed.port.unwrap_or(port)
                })
            })
        })
}

/// Tells browsers to take an answer for what it says it is, to let no other page have it, to keep no
/// copy, and to pass its URL on to nobody: keys are in URLs here.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.extensions().get::<MayBeKept>().is_none() {
        let no_store = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, no_store);
    }
    let headers = response.headers_mut();
    let cors: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-"))
        .cloned()
        .collect();
    for name in cors {
        headers.remove(name);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_own_if_its_page_came_from_the_host_that_is_asked() {
        let is_own =
            |origin: &str, host: &str| is_of(&origin.parse().unwrap(), &host.parse().unwrap());
        for (origin, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://gate.example", "gate.example"),
            ("https://gate.example", "gate.example"),
            ("https://gate.example", "Gate.example:443"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert!(is_own(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("http://127.0.0.1:3000", "127.0.0.1:8080"),
            ("http://localhost:8080", "127.0.0.1:8080"),
            ("http://gate.example:8080", "gate.example"),
            ("http://gate.example", "gate.example:443"),
            ("http://evil.example", "gate.example"),
            ("http://gate.example.evil.example", "gate.example"),
            ("http://gate.example@evil.example", "gate.example"),
            ("null", "gate.example"),
            ("", "gate.example"),
            ("gate.example", "gate.example"),
            ("ftp://gate.example", "gate.example"),
        ] {
            assert!(!is_own(origin, host), "{origin} {host}");
        }
    }
}
