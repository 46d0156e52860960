//! A driver whose accepted door events are seen, whoever has sent them.

use std::sync::Arc;

use futures_util::FutureExt;
use serde_json::Value;

use super::Watch;
use crate::gateway::Driver;
use crate::host::Answer;
use crate::module::{Acceptance, CallError, EventError, Request, Response};

pub(super) struct Watched {
    driver: Arc<dyn Driver>,
    watch: Watch,
}

impl Watched {
    pub(super) fn new(driver: Arc<dyn Driver>, watch: Watch) -> Self {
        Self { driver, watch }
    }
}

impl Driver for Watched {
    fn request(&self, request: Request) -> Answer<Response> {
        self.driver.request(request)
    }

    fn door_event(
        &self,
        event: String,
        id: Option<String>,
    ) -> Answer<Result<Acceptance, EventError>> {
        let watch = self.watch.clone();
        let answer = self.driver.door_event(event.clone(), id.clone());
        let answer = answer.inspect(move |answer| {
            if answer == &Ok(Acceptance::Accepted) {
                watch.accepted(&event, id.as_deref());
            }
        });
        answer.boxed()
    }

    fn call(&self, name: String, arguments: String) -> Answer<Result<String, CallError>> {
        let answer = self.driver.call(name.clone(), arguments.clone());
        if name != "door_event" {
            return answer;
        }
        let watch = self.watch.clone();
        let answer = answer.inspect(move |answer| {
            let answer = answer.as_deref().map(serde_json::from_str::<Value>);
            let is_new = matches!(answer, Ok(Ok(answer)) if answer["event"] == "accepted");
            let arguments = serde_json::from_str::<Value>(&arguments).unwrap_or_default();
            if let Some(event) = arguments["json"].as_str().filter(|_| is_new) {
                watch.accepted(event, None);
            }
        });
        answer.boxed()
    }

    fn is_ready(&self) -> bool {
        self.driver.is_ready()
    }
}
