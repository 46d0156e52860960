//! What the routes have in common: their errors, and how a body is read.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde_json::{Value, json};

use super::limits::Limits;

/// Why a caller does not get what it wants: one sentence, never internals.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    sentence: Cow<'static, str>,
    parameter: Option<Parameter>,
}

/// A parameter of a route, in rest-api's terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            sentence: sentence.into(),
            parameter: None,
        }
    }

    pub(super) fn missing(parameter: Parameter) -> Self {
        Self {
            parameter: Some(parameter),
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("the parameter {} is missing", parameter.name),
            )
        }
    }

    pub(super) fn unreadable(parameter: Parameter) -> Self {
        Self {
            parameter: Some(parameter),
            ..Self::new(
                StatusCode::BAD_REQUEST,
                format!(
                    "the parameter {} is not of type {}",
                    parameter.name, parameter.kind
                ),
            )
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.sentence });
        if let Some(parameter) = self.parameter {
            body["parameter"] = parameter.name.into();
            body["restriction"] = parameter.kind.into();
        }
        let mut response = json(self.status, &body);
        if [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ]
        .contains(&self.status)
        {
            let seconds = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (status, content_type, value.to_string()).into_response()
}

/// The whole body, unless it is too large, too slow or broken off.
pub(super) async fn read(body: Body, limits: &Limits) -> Result<Bytes, Refusal> {
    let most = limits.body_bytes;
    let too_large = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {most} bytes"),
        )
    };
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let collected = Limited::new(body, most).collect();
    match tokio::time::timeout(limits.body_time, collected).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(failure)) if failure.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "the body broke off before its end",
        )),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        )),
    }
}
