//! Unlocks under way, and those just done: callers who want the same door share an attempt.
//!
//! Core may send a PUT twice, and people press twice. An attempt is shared while it is younger than
//! ten seconds; a success also for two seconds after it, a refusal not.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared};

use crate::door::{DoorId, UnlockOutcome};
use crate::driver::Driver;
use crate::host::Host;
use crate::sorted::SortedMap;

/// How long an attempt is shared, in milliseconds.
const SHARED_FOR: u64 = 10_000;
/// How long its success is, in milliseconds.
const SUCCESS_SHARED_FOR: u64 = 2000;

type Outcome = Result<UnlockOutcome, String>;
/// An attempt under way, or just done.
pub(crate) type Unlocking = Shared<LocalBoxFuture<'static, Outcome>>;

/// The latest attempt of each door.
#[derive(Default)]
pub(crate) struct Unlocks(RefCell<SortedMap<DoorId, Attempt>>);

struct Attempt {
    outcome: Unlocking,
    started: u64,
    ended: Rc<Cell<Option<u64>>>,
}

impl Attempt {
    fn is_shared(&self, now: u64) -> bool {
        let within = |since: u64, limit| (since..since.saturating_add(limit)).contains(&now);
        match self.ended.get() {
            None => within(self.started, SHARED_FOR),
            Some(ended) => {
                let is_success = matches!(self.outcome.peek(), Some(Ok(UnlockOutcome::Unlocked)));
                is_success && within(ended, SUCCESS_SHARED_FOR)
            }
        }
    }
}

impl<H: Host + 'static> Driver<H> {
    /// Asks `system` to unlock `door`, or joins whoever does. The attempt goes on when nobody waits
    /// for it any more.
    pub(crate) fn unlock(&self, system: String, door: &DoorId, caller: Option<&str>) -> Unlocking {
        let inner = &*self.0;
        let now = inner.host.now();
        let mut latest = inner.unlocks.0.borrow_mut();
        latest.retain(|_, attempt| attempt.ended.get().is_none() || attempt.is_shared(now));
        match latest.get(door) {
            Some(attempt) if attempt.is_shared(now) => attempt.outcome.clone(),
            _ => {
                let attempt = self.begin(system, door.clone(), caller.map(str::to_owned), now);
                let outcome = attempt.outcome.clone();
                latest.insert(door.clone(), attempt);
                outcome
            }
        }
    }

    fn begin(&self, system: String, door: DoorId, caller: Option<String>, started: u64) -> Attempt {
        let inner = Rc::clone(&self.0);
        let ended = Rc::new(Cell::new(None));
        let end = Rc::clone(&ended);
        let outcome = async move {
            let outcome = inner
                .host
                .unlock(&system, door.as_str(), caller.as_deref())
                .await;
            end.set(Some(inner.host.now()));
            outcome
        };
        let outcome = outcome.boxed_local().shared();
        self.0.tasks.spawn(outcome.clone().map(|_| ()));
        Attempt {
            outcome,
            started,
            ended,
        }
    }
}
