//! PUT unlocks a door.

use std::pin::pin;
use std::time::Duration;

use crate::deadline::before;
use crate::directory::Owner;
use crate::door::{DoorId, UnlockOutcome};
use crate::driver::Driver;
use crate::host::Host;
use crate::unlock::Asker;

use super::body::Body;
use super::{Caller, Headers, Response};

/// How long a caller waits, from the call on.
const LIMIT: Duration = Duration::from_secs(10);

/// Why no security system is asked.
const SEVERAL: &str = "more than one security system has this door";
const UNKNOWN: &str = "no security system has this door";
const NO_SYSTEM: &str = "there is no security system";
const SILENT: &str = "the security systems do not answer";

impl<H: Host + 'static> Driver<H> {
    /// Unlocks the door of `{"door_id": id}`, by the security system that owns it. Whatever fails is
    /// a 403, what is not supported a 501. The attempt is recorded, under the request's `X-Request-ID`
    /// if it has one.
    pub async fn put(&self, caller: Caller<'_>, headers: Headers<'_>, body: &[u8]) -> Response {
        let door = match Body::parse(body).and_then(|body| body.door_id()) {
            Ok(door) => door,
            Err(refusal) => return refusal,
        };
        let asker = Asker::of(&self.0.host, caller, headers);
        self.unlock_door(door, asker)
            .await
            .unwrap_or_else(|refusal| refusal)
    }

    async fn unlock_door(&self, door: DoorId, asker: Asker) -> Result<Response, Response> {
        let inner = &*self.0;
        let mut deadline = pin!(inner.host.sleep(LIMIT));
        let owner = before(deadline.as_mut(), self.owner_of(&door)).await;
        let attempt = match owner.unwrap_or_else(|| Err("no answer in time".to_owned())) {
            Ok(Owner::System(system)) => self.unlock(&system, &door, &asker),
            Ok(Owner::Several) => Err(self.cannot_ask(&asker, SEVERAL)),
            Ok(Owner::Unknown) => Err(self.cannot_ask(&asker, UNKNOWN)),
            Ok(Owner::NoSystem) => Err(self.cannot_ask(&asker, NO_SYSTEM)),
            Err(why) => {
                inner.warn(&format!("the door {door} was not unlocked: {why}"));
                Err(self.cannot_ask(&asker, SILENT))
            }
        };
        let attempt = match attempt {
            Ok(attempt) => attempt,
            Err(not) => {
                self.record_not_asked(not, &door, &asker).await;
                return Err(match not.why {
                    NO_SYSTEM => Response::error(501, NO_SYSTEM),
                    why => failed(why),
                });
            }
        };
        match before(deadline, attempt.answer(&inner.running)).await {
            Some(Ok(UnlockOutcome::Unlocked)) => Ok(Response::empty(200)),
            Some(Ok(UnlockOutcome::Refused)) => Err(failed("the security system refused")),
            Some(Ok(UnlockOutcome::Unsupported)) => Err(Response::error(
                501,
                "the security system of this door does not support unlocking",
            )),
            Some(Err(_)) => Err(failed("the security system failed")),
            None => {
                attempt.give_up();
                inner.warn(&format!(
                    "the door {door} was not unlocked in time; it may still open"
                ));
                Err(failed(
                    "the security system did not answer in time; the door may still open",
                ))
            }
        }
    }
}

fn failed(why: &str) -> Response {
    Response::error(403, &format!("the door was not unlocked: {why}"))
}
