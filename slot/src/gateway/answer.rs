//! What the routes have in common: their errors, and how a body is read.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde_json::{Value, json};

/// The largest body that is read, in bytes. Rhombus' requests and door events have a few hundred.
const BODY_LIMIT: usize = 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

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
        json(self.status, &body)
    }
}

pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (status, content_type, value.to_string()).into_response()
}

/// The whole body, unless it is too large, too slow or broken off.
pub(super) async fn read(body: Body) -> Result<Bytes, Refusal> {
    let too_large = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 1 MiB",
        )
    };
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(too_large());
    }
    let collected = Limited::new(body, BODY_LIMIT).collect();
    match tokio::time::timeout(BODY_TIME, collected).await {
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
