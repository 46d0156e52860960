//! PUT unlocks a door.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use crate::deadline::before;
use crate::directory::Owner;
use crate::door::{DoorId, UnlockOutcome};
use crate::driver::Driver;
use crate::host::{Host, Level};
use crate::unlocks::Unlocking;

use super::body::Body;
use super::{Caller, Response};

/// How long a caller waits, from the call on.
const LIMIT: Duration = Duration::from_secs(10);

impl<H: Host + 'static> Driver<H> {
    /// Unlocks the door of `{"door_id": id}`, by the security system that owns it. Whatever fails is
    /// a 403, what is not supported a 501.
    pub async fn put(&self, caller: Caller<'_>, body: &[u8]) -> Response {
        self.unlock_door(caller, body)
            .await
            .unwrap_or_else(|refusal| refusal)
    }

    async fn unlock_door(&self, caller: Caller<'_>, body: &[u8]) -> Result<Response, Response> {
        let inner = &*self.0;
        let door = Body::parse(body)?.door_id()?;
        let mut deadline = pin!(inner.host.sleep(LIMIT));
        let owner = before(deadline.as_mut(), self.owner_of(&door)).await;
        let owner = owner
            .unwrap_or_else(|| Err("no answer in time".to_owned()))
            .map_err(|why| {
                inner.warn(&format!("the door {door} was not unlocked: {why}"));
                failed("the security systems do not answer")
            })?;
        let system = match owner {
            Owner::System(system) => system,
            Owner::Several => return Err(failed("more than one security system has this door")),
            Owner::Unknown => return Err(failed("no security system has this door")),
            Owner::NoSystem => return Err(Response::error(501, "there is no security system")),
        };
        let unlocking = self.unlock(system, &door, caller);
        match before(deadline, unlocking.clone()).await {
            Some(Ok(UnlockOutcome::Unlocked)) => Ok(Response::empty(200)),
            Some(Ok(UnlockOutcome::Refused)) => Err(failed("the security system refused")),
            Some(Ok(UnlockOutcome::Unsupported)) => Err(Response::error(
                501,
                "the security system of this door does not support unlocking",
            )),
            Some(Err(why)) => {
                inner.warn(&format!("the door {door} was not unlocked: {why}"));
                Err(failed("the security system failed"))
            }
            None => {
                self.log_late_outcome(door, unlocking);
                Err(failed(
                    "the security system did not answer in time; the door may still open",
                ))
            }
        }
    }
}

impl<H: Host + 'static> Driver<H> {
    /// What comes of an unlock whose caller was told that it may still come.
    fn log_late_outcome(&self, door: DoorId, unlocking: Unlocking) {
        let inner = Rc::clone(&self.0);
        inner.warn(&format!(
            "the door {door} was not unlocked in time; it may still open"
        ));
        self.0.tasks.spawn(async move {
            match unlocking.await {
                Ok(UnlockOutcome::Unlocked) => {
                    inner.warn(&format!(
                        "the door {door} was unlocked after its caller was answered"
                    ));
                }
                Ok(UnlockOutcome::Refused | UnlockOutcome::Unsupported) | Err(_) => {
                    let fields = [("door", door.as_str())];
                    inner.host.log(
                        Level::Info,
                        "an unlock failed after its caller was answered",
                        &fields,
                    );
                }
            }
        });
    }
}

fn failed(why: &str) -> Response {
    Response::error(403, &format!("the door was not unlocked: {why}"))
}
