//! Doors for operators: the driver's own list and unlock, by another caller than the webhook's. The
//! record of unlocks says that it was an operator.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::Served;
use super::answer::{self, Refusal};
use crate::module;

/// How the driver is told who asks.
const CALLER: &str = "operator";

/// `[{"door_id", "description"?}]`, whatever form the webhook gives it by the setting `contract`.
pub(super) async fn list(State(served): State<Arc<Served>>) -> Result<Response, Refusal> {
    let mut answer = ask(&served, "GET", Vec::new()).await?;
    if let Some(doors) = answer.value.get_mut("doors") {
        answer.value = doors.take();
    }
    Ok(answer::json(answer.status, &answer.value))
}

/// `{"door_id": id}` unlocks a door. The answers are the webhook's: 200, or 403, 501, 400.
pub(super) async fn unlock(
    State(served): State<Arc<Served>>,
    request: Request,
) -> Result<Response, Refusal> {
    let body = answer::read(request.into_body(), &served.limits).await?;
    let answer = ask(&served, "PUT", body.into()).await?;
    tracing::info!(
        status = answer.status.as_u16(),
        "an operator asked for a door"
    );
    let value = match answer.value {
        Value::Null => json!({}),
        value => value,
    };
    Ok(answer::json(answer.status, &value))
}

/// What the driver answered: a status and JSON, or `null` for an empty body.
struct Answered {
    status: StatusCode,
    value: Value,
}

async fn ask(served: &Served, method: &str, body: Vec<u8>) -> Result<Answered, Refusal> {
    let request = module::Request {
        caller: Some(CALLER.to_owned()),
        method: method.to_owned(),
        headers: Vec::new(),
        body,
    };
    let places = &served.places.operators;
    let response = places.occupy(|| served.driver.request(request)).await?;
    let status = StatusCode::from_u16(response.status).ok();
    let value = match response.body.as_str() {
        "" => Some(Value::Null),
        body => serde_json::from_str(body).ok(),
    };
    match (status, value) {
        (Some(status), Some(value)) => Ok(Answered { status, value }),
        _ => Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the module's answer is not usable",
        )),
    }
}
