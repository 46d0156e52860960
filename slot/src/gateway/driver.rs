//! What the gateway needs of a driver.

use crate::host::Answer;
use crate::module::{Acceptance, CallError, EventError, Module, Request, Response};

/// A driver behind a gateway: a [`Module`], or a pretended one in a test.
///
/// A client that hangs up drops the answer it waited for. What was begun for it must go on all the
/// same: a door half way to open, or an event half way to the disk.
pub trait Driver: Send + Sync {
    /// Answers a webhook request.
    fn request(&self, request: Request) -> Answer<Response>;
    /// Offers a door event, as JSON text; answers when it is durable. `id` names it; `None` lets
    /// the driver name it.
    fn door_event(
        &self,
        event: String,
        id: Option<String>,
    ) -> Answer<Result<Acceptance, EventError>>;
    /// Calls a function other than the webhook's; `arguments` is a JSON object that has them by name,
    /// the answer is JSON.
    fn call(&self, name: String, arguments: String) -> Answer<Result<String, CallError>>;
    /// Whether it is loaded and up.
    fn is_ready(&self) -> bool;
}

impl Driver for Module {
    fn request(&self, request: Request) -> Answer<Response> {
        let module = self.clone();
        Box::pin(async move { module.request(request).await })
    }

    fn door_event(
        &self,
        event: String,
        id: Option<String>,
    ) -> Answer<Result<Acceptance, EventError>> {
        let module = self.clone();
        Box::pin(async move { module.door_event(event, id).await })
    }

    fn call(&self, name: String, arguments: String) -> Answer<Result<String, CallError>> {
        let module = self.clone();
        Box::pin(async move { module.call(name, arguments).await })
    }

    fn is_ready(&self) -> bool {
        Module::is_ready(self)
    }
}
