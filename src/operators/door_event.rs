//! `door_event`: an event by hand, for callers of today's driver.

use serde_json::json;

use crate::driver::Driver;
use crate::host::Host;
use crate::intake::{Acceptance, EventError};

use super::CallError;
use super::arguments::Arguments;

impl<H: Host + 'static> Driver<H> {
    /// Takes the event `json`, which is text, as the channel would have brought it.
    pub(super) async fn door_event(&self, mut arguments: Arguments) -> Result<String, CallError> {
        let event = Arguments::required("json", arguments.text("json")?)?;
        arguments.end()?;
        let accepted = self.on_door_event(&event, None).await;
        let event = match accepted.map_err(CallError::from)? {
            Acceptance::Accepted => "accepted",
            Acceptance::Known => "known",
        };
        Ok(json!({ "event": event }).to_string())
    }
}

impl From<EventError> for CallError {
    fn from(error: EventError) -> Self {
        let sentence = error.to_string();
        match error {
            EventError::Rejected(_) => Self::Invalid(sentence),
            EventError::Unsaved(_) => Self::Failed(sentence),
        }
    }
}
