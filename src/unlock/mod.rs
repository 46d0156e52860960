//! Unlocking doors: calls for one door share an attempt, attempts are bounded, and each is recorded.
//!
//! Whoever knows the webhook URL opens doors with it. What is left to defend is the record of it: an
//! attempt is committed before the security system is asked, so that a crash between the two leaves an
//! attempt without an outcome, and never an open door without an attempt.

mod attempt;
mod audit;
mod rate;

use crate::door::DoorId;
use crate::driver::Driver;
use crate::host::Host;

pub(crate) use attempt::Unlocks;
pub(crate) use audit::{Asker, Outcome};

/// Why no security system is asked for a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAsked {
    /// A part of a sentence.
    pub(crate) why: &'static str,
    /// Of calls that are too many in a row the first is recorded: the others would push out of the
    /// record what matters.
    is_recorded: bool,
}

impl<H: Host + 'static> Driver<H> {
    /// The reason to answer if no security system can be asked: this one, or that the caller asks too
    /// often.
    pub(crate) fn cannot_ask(&self, asker: &Asker, why: &'static str) -> NotAsked {
        let caller = asker.caller.as_deref();
        let taken = self.0.unlocks.take_caller(caller, self.0.time());
        taken.err().unwrap_or(NotAsked {
            why,
            is_recorded: true,
        })
    }

    /// Records that no security system is asked for a door.
    pub(crate) async fn record_not_asked(&self, not: NotAsked, door: &DoorId, asker: &Asker) {
        if not.is_recorded {
            let entry = self.begin_entry(asker, door, None);
            let why = Some(not.why.to_owned());
            self.end_entry(entry, Outcome::NotAsked, why).await;
        }
    }
}
