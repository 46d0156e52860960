//! `enable`: a subscriber that is paused or disabled is open again.

use serde_json::json;

use crate::driver::Driver;
use crate::host::Host;

use super::CallError;
use super::arguments::Arguments;

impl<H: Host + 'static> Driver<H> {
    /// Opens `subscription`, whatever it was. What it has yet to get is sent at once.
    pub(super) async fn enable_subscription(
        &self,
        arguments: Arguments,
    ) -> Result<String, CallError> {
        let id = self.only_subscription(arguments)?;
        let saved = self.enable(id).await;
        saved.map_err(|error| CallError::Failed(error.to_string()))?;
        Ok(json!({ "subscription": id.to_string(), "state": "open" }).to_string())
    }
}
