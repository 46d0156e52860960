//! Unlocks under way, and those just done: callers who want the same door share an attempt.
//!
//! Core may send a PUT twice, and people press twice. An attempt is shared while it is younger than
//! ten seconds; a success also for two seconds after it, a refusal not.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared};

use crate::deadline::within;
use crate::door::{DoorId, UnlockOutcome};
use crate::driver::Driver;
use crate::host::{Host, Level};

/// How long a caller waits for a door.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);
/// How long an attempt is shared, in milliseconds.
const SHARED_FOR: u64 = 10_000;
/// How long its success is, in milliseconds.
const SUCCESS_SHARED_FOR: u64 = 2000;

type Outcome = Result<UnlockOutcome, String>;

/// The latest attempt of each door.
#[derive(Default)]
pub(crate) struct Unlocks(RefCell<BTreeMap<DoorId, Attempt>>);

#[derive(Clone)]
struct Attempt {
    outcome: Shared<LocalBoxFuture<'static, Outcome>>,
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
    /// Asks `system` to unlock `door`, or joins whoever does. `None` if that takes longer than ten
    /// seconds; the door may then still open.
    pub(crate) async fn unlock(
        &self,
        system: String,
        door: &DoorId,
        caller: Option<&str>,
    ) -> Option<Outcome> {
        let inner = &*self.0;
        let now = inner.host.now();
        let attempt = {
            let mut latest = inner.unlocks.0.borrow_mut();
            latest.retain(|_, attempt| attempt.is_shared(now) || attempt.ended.get().is_none());
            match latest.get(door) {
                Some(attempt) if attempt.is_shared(now) => attempt.clone(),
                _ => {
                    let attempt = self.begin(system, door.clone(), caller.map(str::to_owned), now);
                    latest.insert(door.clone(), attempt.clone());
                    attempt
                }
            }
        };
        within(&inner.host, LIMIT, attempt.outcome).await
    }

    /// The attempt goes on when all callers have gone: what comes of it then is logged.
    fn begin(&self, system: String, door: DoorId, caller: Option<String>, started: u64) -> Attempt {
        let inner = Rc::clone(&self.0);
        let ended = Rc::new(Cell::new(None));
        let end = Rc::clone(&ended);
        let outcome = async move {
            let outcome = inner
                .host
                .unlock(&system, door.as_str(), caller.as_deref())
                .await;
            let now = inner.host.now();
            end.set(Some(now));
            if now.saturating_sub(started) >= SHARED_FOR && outcome == Ok(UnlockOutcome::Unlocked) {
                let fields = [("door", door.as_str()), ("system", system.as_str())];
                inner.host.log(
                    Level::Warn,
                    "a door was unlocked after its caller was told that it was not",
                    &fields,
                );
            }
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
