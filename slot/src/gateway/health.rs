//! Whether the process is up, and whether it can work: for supervisors and load balancers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::Served;
use super::answer::{self, Refusal};

/// `/healthz` and `/readyz`. They are asked every few seconds and are not logged.
pub(super) fn routes() -> Router<Arc<Served>> {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
}

async fn health() -> Response {
    answer::json(StatusCode::OK, &json!({ "status": "up" }))
}

async fn ready(State(served): State<Arc<Served>>) -> Result<Response, Refusal> {
    if served.driver.is_ready() {
        Ok(answer::json(StatusCode::OK, &json!({ "status": "ready" })))
    } else {
        Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the module is not loaded; it is being started",
        ))
    }
}
