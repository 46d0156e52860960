//! What an operator asks for, with the admin key or logged in by it: the driver's functions, its status,
//! the metrics, and what the console shows beside them.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

use super::Served;
use super::answer::{self, Refusal};
use super::{doors, live, login};
use crate::metrics;
use crate::module::CallError;

pub(super) fn routes(served: &Arc<Served>) -> Router<Arc<Served>> {
    Router::new()
        .route("/api/functions/{name}", post(call))
        .route("/api/status", get(status))
        .route("/api/live", get(live::live))
        .route("/api/charts", get(charts))
        .route("/api/doors", get(doors::list))
        .route("/api/doors/unlock", post(doors::unlock))
        .route("/metrics", get(text))
        .route_layer(from_fn_with_state(served.clone(), admit))
}

/// Lets those through who have the admin key, or are logged in by it. Whoever shows a key is not asked
/// for a cookie.
async fn admit(State(served): State<Arc<Served>>, mut request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::AUTHORIZATION) {
        let key = bearer_token(request.headers());
        if key.is_some_and(|key| served.site.keys.admin_key.is(key)) {
            return next.run(request).await;
        }
    } else {
        match login::session(&served, &request) {
            Ok(Some(session)) => {
                request.extensions_mut().insert(session);
                return next.run(request).await;
            }
            Ok(None) => {}
            Err(refusal) => return refusal.into_response(),
        }
    }
    let sentence = "the header Authorization must be Bearer and this gateway's admin key, unless you \
                    are logged in at its console";
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, sentence);
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"placeos-slot\"")];
    (challenge, refusal).into_response()
}

fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"Bearer ";
    let given = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = given.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(token)
}

/// Calls a function of the driver. The body has its arguments by name, in JSON; none means none.
async fn call(
    State(served): State<Arc<Served>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    // A name that is not UTF-8 is no function's.
    let Path(name) = name.map_err(|_| refused(&CallError::Unknown))?;
    let body = answer::read(request.into_body(), &served.limits).await?;
    let arguments = String::from_utf8(body.into())
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the body is not UTF-8 text"))?;
    let arguments = match arguments.trim() {
        "" => "{}".to_owned(),
        _ => arguments,
    };
    let call = || served.driver.call(name.clone(), arguments);
    let answer = served.places.operators.occupy(call).await?;
    if !matches!(answer, Err(CallError::Unknown)) {
        tracing::info!(function = name, done = answer.is_ok(), "an operator called");
    }
    match answer {
        Ok(json) if json.len() > served.limits.answer_bytes => Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the answer is too large; ask for less at a time",
        )),
        Ok(json) => Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response()),
        Err(error) => Err(refused(&error)),
    }
}

fn refused(error: &CallError) -> Refusal {
    let status = match error {
        CallError::Unknown => StatusCode::NOT_FOUND,
        CallError::Invalid(_) => StatusCode::BAD_REQUEST,
        CallError::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal::new(status, error.to_string())
}

/// All status keys of the module, as one object.
async fn status(State(served): State<Arc<Served>>) -> Response {
    answer::json(StatusCode::OK, &served.status.all().into())
}

/// The last hour, a minute each, oldest first.
async fn charts(State(served): State<Arc<Served>>) -> Response {
    let minutes = json!({ "minutes": served.watch.minutes() });
    answer::json(StatusCode::OK, &minutes)
}

async fn text(State(served): State<Arc<Served>>) -> Result<Response, Refusal> {
    let text = served.metrics.text().map_err(|_| {
        let sentence = "the metrics cannot be written";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, sentence)
    })?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}
