//! The webhook of a trigger that calls the module, in both forms of its URL.
//!
//! Order of the checks and answers are those of PlaceOS's rest-api, with two differences. A body is
//! read only for a caller who knows the secret, and a module's answer that is not usable is a 500
//! here, where PlaceOS answers 202 as if all had gone well.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use url::form_urlencoded;

use super::answer::{self, Parameter, Refusal};
use super::{Served, Site};
use crate::module;
use crate::module::bounds::answers::FRAMING;

/// The id of the one trigger that a gateway has.
pub(super) const TRIGGER: &str = "trig-rhombus";

/// The one function of a driver that takes a method, headers and a body.
pub(super) const FUNCTION: &str = "request";

pub(super) fn routes(served: &Arc<Served>) -> Router<Arc<Served>> {
    let notify = || any(notify);
    Router::new()
        .route("/api/engine/v2/webhook/{trigger}/notify", notify())
        .route("/api/engine/v2/webhook/{trigger}/notify/{secret}", notify())
        .route(
            "/api/engine/v2/webhook/{trigger}/notify/{secret}/{mod}/{index}/{method}",
            notify(),
        )
        .route(
            "/api/engine/v2/webhook/{trigger}/notify/{secret}/{mod}/{index}/{method}/{binary}",
            notify(),
        )
        .route_layer(from_fn_with_state(served.clone(), count))
}

async fn count(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let response = next.run(request).await;
    served.metrics.webhook_request(&method, response.status());
    response
}

async fn notify(
    State(served): State<Arc<Served>>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    let parameters = Parameters::of(path, query)?;
    check_trigger(&served.site, &parameters)?;
    let index = parameters.index()?;
    let Some(method) = supported(&head.method) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    if !parameters.is_true("exec") {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    let module = parameters.require(MODULE)?;
    let function = parameters.require(METHOD)?;
    check_target(&served.site, module, index, function)?;
    let body = answer::read(body, &served.limits).await?;
    let request = module::Request {
        caller: Some(format!("webhook.{TRIGGER}")),
        method: method.to_owned(),
        headers: headers(&head.headers, query),
        body: if parameters.is_true("binary") {
            lines_of_base64(&body).into_bytes()
        } else {
            body.into()
        },
    };
    let places = &served.places.webhook;
    let triple = places.occupy(|| served.driver.request(request)).await?;
    answered(triple, served.limits.answer_bytes).ok_or_else(|| {
        tracing::error!("the module's answer to a webhook request is not usable");
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the module's answer is not usable",
        )
    })
}

const SECRET: Parameter = text("secret");
const MODULE: Parameter = text("mod");
const METHOD: Parameter = text("method");
const INDEX: Parameter = Parameter {
    name: "index",
    kind: "Int32",
};

const fn text(name: &'static str) -> Parameter {
    Parameter {
        name,
        kind: "String",
    }
}

/// What the path and the query say; the path has precedence.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn of(
        path: Result<RawPathParams, RawPathParamsRejection>,
        query: &str,
    ) -> Result<Self, Refusal> {
        let path =
            path.map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the path is not UTF-8 text"))?;
        let mut all: Vec<(String, String)> = path
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let names_a_module = all.iter().any(|(name, _)| name == MODULE.name);
        if names_a_module {
            all.push(("exec".to_owned(), "true".to_owned()));
        }
        all.extend(form_urlencoded::parse(query.as_bytes()).into_owned());
        Ok(Self(all))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn require(&self, parameter: Parameter) -> Result<&str, Refusal> {
        self.get(parameter.name)
            .ok_or_else(|| Refusal::missing(parameter))
    }

    /// Only the text `true`, in any case, is true.
    fn is_true(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn index(&self) -> Result<i32, Refusal> {
        let index = self.get(INDEX.name).unwrap_or("1").parse();
        index.map_err(|_| Refusal::unreadable(INDEX))
    }
}

fn check_trigger(site: &Site, parameters: &Parameters) -> Result<(), Refusal> {
    let secret = parameters.require(SECRET)?;
    let known = parameters.get("trigger") == Some(TRIGGER)
        && site.keys.webhook_secret.is(secret.as_bytes());
    known.then_some(()).ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "there is no trigger of this id and secret",
        )
    })
}

/// The methods of the trigger, upper case. HEAD is a GET whose answer has no body.
fn supported(method: &Method) -> Option<&'static str> {
    match *method {
        Method::GET | Method::HEAD => Some("GET"),
        Method::POST => Some("POST"),
        Method::PUT => Some("PUT"),
        Method::DELETE => Some("DELETE"),
        _ => None,
    }
}

/// A trigger can call what takes a method, headers and a body, and needs no administrator.
fn check_target(site: &Site, module: &str, index: i32, function: &str) -> Result<(), Refusal> {
    let fault = if module != site.module || index != 1 {
        "there is no module of this name and index"
    } else if function != FUNCTION {
        "a webhook can call the function request only"
    } else {
        return Ok(());
    };
    Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, fault))
}

/// The request's headers, and its query string under the name that PlaceOS gives it.
fn headers(headers: &HeaderMap, query: &str) -> Vec<(String, String)> {
    const QUERY: &str = "pos-query-params";
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let given = headers.iter().filter(|(name, _)| *name != QUERY);
    given
        .map(|(name, value)| (name.to_string(), text(value)))
        .chain([(QUERY.to_owned(), query.to_owned())])
        .collect()
}

/// Base64 as Crystal writes it, which PlaceOS is written in: a line break after 60 characters and
/// at the end.
fn lines_of_base64(bytes: &[u8]) -> String {
    const BYTES_OF_A_LINE: usize = 45;
    let lines = bytes.chunks(BYTES_OF_A_LINE);
    lines
        .map(|line| BASE64_STANDARD.encode(line) + "\n")
        .collect()
}

/// The module's triple as an HTTP answer; `None` if it cannot be one of at most so many bytes.
fn answered(triple: module::Response, most: usize) -> Option<Response> {
    let status = StatusCode::from_u16(triple.status).ok()?;
    if !(200..600).contains(&triple.status) || triple.body.len() > most {
        return None;
    }
    let has_body = !triple.body.is_empty();
    let mut response = Response::new(triple.body.into());
    *response.status_mut() = status;
    if has_body {
        let text = HeaderValue::from_static("text/plain");
        response.headers_mut().insert(header::CONTENT_TYPE, text);
    }
    for (name, value) in &triple.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if FRAMING.contains(&name) {
            return None;
        }
        let value = HeaderValue::from_str(value).ok()?;
        response.headers_mut().insert(name, value);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_breaks_its_lines_after_60_characters() {
        assert_eq!(lines_of_base64(b""), "");
        assert_eq!(lines_of_base64(b"abc"), "YWJj\n");
        let full = "YWFh".repeat(15) + "\n";
        assert_eq!(lines_of_base64(&[b'a'; 45]), full);
        assert_eq!(lines_of_base64(&[b'a'; 48]), full + "YWFh\n");
    }
}
