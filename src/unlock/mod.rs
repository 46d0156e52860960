//! Unlocking doors: calls for one door share an attempt, attempts are bounded, and each is recorded.
//!
//! Whoever knows the webhook URL opens doors with it. What is left to defend is the record of it: an
//! attempt is committed before the security system is asked, so that a crash between the two leaves an
//! attempt without an outcome, and never an open door without an attempt.

mod attempt;
mod audit;
mod rate;

use std::rc::Rc;

use crate::door::DoorId;
use crate::driver::Driver;
use crate::host::Host;

pub(crate) use attempt::{Attempt, Unlocks};
pub(crate) use audit::{Asker, Outcome};
use rate::Excess;

impl<H: Host + 'static> Driver<H> {
    /// Asks `system` to unlock `door`, or joins whoever does. The error is a part of a sentence: why
    /// it is not asked.
    pub(crate) async fn unlock(
        &self,
        system: &str,
        door: &DoorId,
        asker: &Asker,
    ) -> Result<Rc<Attempt>, &'static str> {
        match self.join_or_begin(system, door, asker) {
            Ok(attempt) => Ok(attempt),
            Err(excess) => Err(self.turn_away(excess, door, asker).await),
        }
    }

    /// Records that no security system is asked for a door. Returns the reason to answer: that one, or
    /// that its caller asks too often.
    pub(crate) async fn not_asked(
        &self,
        door: &DoorId,
        asker: &Asker,
        why: &'static str,
    ) -> &'static str {
        let caller = asker.caller.as_deref();
        let time = self.0.time();
        let taken = self.0.unlocks.take_caller(caller, time);
        match taken {
            Ok(()) => {
                self.record_refusal(door, asker, why).await;
                why
            }
            Err(excess) => self.turn_away(excess, door, asker).await,
        }
    }

    /// Of calls that are too many in a row the first is recorded: the others would push out of the
    /// record what matters.
    async fn turn_away(&self, excess: Excess, door: &DoorId, asker: &Asker) -> &'static str {
        if excess.is_first {
            self.record_refusal(door, asker, excess.why).await;
        }
        excess.why
    }

    async fn record_refusal(&self, door: &DoorId, asker: &Asker, why: &str) {
        let entry = self.begin_entry(asker, door, None);
        let why = Some(why.to_owned());
        self.end_entry(entry, Outcome::NotAsked, why).await;
    }
}
