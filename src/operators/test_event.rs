//! `send_test_event`: one POST at once, to see whether a subscriber takes it.

use serde_json::json;

use crate::delivery::TestError;
use crate::door::DoorEvent;
use crate::driver::Driver;
use crate::host::Host;

use super::CallError;
use super::arguments::Arguments;

/// The event that is sent, as of now: no security system has this door or this action.
const EVENT: &str = r#"{"door_id":"test","action":"test"}"#;

impl<H: Host + 'static> Driver<H> {
    /// Sends a test event to `subscription`, signed as any other, and answers what came of it:
    /// `{"status": number}` or `{"failure": text}`. To a paused subscriber it is a probe, which opens
    /// it if it is taken. It is sent once and not kept.
    pub(super) async fn send_test_event(&self, arguments: Arguments) -> Result<String, CallError> {
        let id = self.only_subscription(arguments)?;
        let event = DoorEvent::parse(EVENT, self.0.host.now()).map_err(CallError::Failed)?;
        let answer = match self.send_test(id, event).await {
            Ok(Ok(answer)) => json!({ "status": answer.status }),
            Ok(Err(failure)) => json!({ "failure": failure.to_string() }),
            Err(TestError::Forbidden) => {
                let why = "nothing may be sent there now: the egress rule refuses it";
                return Err(CallError::Invalid(why.to_owned()));
            }
            Err(TestError::Busy) => {
                let why = "as many attempts are under way as there may be; try again";
                return Err(CallError::Failed(why.to_owned()));
            }
        };
        Ok(answer.to_string())
    }
}
