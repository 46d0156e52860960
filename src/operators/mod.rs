//! The functions that an operator calls, one a file. `driver.json` has their names, what each takes
//! and who may call it; that the caller may is the host's to see to.

mod arguments;
mod deliveries;
mod discard;
mod door_event;
mod enable;
mod listing;
mod redeliver;
mod selection;
mod test_event;
mod unlocks;

use crate::driver::Driver;
use crate::host::Host;
use crate::subscription::SubscriptionId;

use arguments::Arguments;

/// Why a function did not do what it was called for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There is no function of that name.
    #[error("there is no such function")]
    Unknown,
    /// Its arguments cannot be what is meant; nothing was done.
    #[error("{0}")]
    Invalid(String),
    /// It could not be done, or is not known to be.
    #[error("{0}")]
    Failed(String),
}

impl<H: Host + 'static> Driver<H> {
    /// Calls a function with `arguments`, a JSON object that has them by name. What it answers is
    /// JSON too.
    pub async fn call(&self, function: &str, arguments: &str) -> Result<String, CallError> {
        let read = || Arguments::parse(arguments);
        match function {
            "deliveries" => self.deliveries(read()?).await,
            "discard" => self.discard(read()?).await,
            "door_event" => self.door_event(read()?).await,
            "enable" => self.enable_subscription(read()?).await,
            "redeliver" => self.redeliver(read()?).await,
            "send_test_event" => self.send_test_event(read()?).await,
            "unlocks" => self.unlocks(read()?).await,
            _ => Err(CallError::Unknown),
        }
    }

    /// The subscription that is a function's only argument.
    fn only_subscription(&self, mut arguments: Arguments) -> Result<SubscriptionId, CallError> {
        let id = Arguments::required("subscription", arguments.subscription()?)?;
        arguments.end()?;
        match self.0.state.borrow().subscriptions.contains_key(&id) {
            true => Ok(id),
            false => Err(CallError::Invalid(format!("there is no subscription {id}"))),
        }
    }
}
