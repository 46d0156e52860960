//! Unlocks under way, and those just done: callers who want the same door share an attempt.
//!
//! Core may send a PUT twice, and people press twice. An attempt is shared while it is younger than
//! ten seconds; a success also for two seconds after it, a refusal not.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::door::{DoorId, UnlockOutcome};
use crate::driver::Driver;
use crate::host::Host;
use crate::joint::Joint;
use crate::sorted::SortedMap;

use super::NotAsked;
use super::audit::{Asker, Outcome};
use super::rate::Rates;

/// How long an attempt is shared, in milliseconds.
const SHARED_FOR: u64 = 10_000;
/// How long its success is, in milliseconds.
const SUCCESS_SHARED_FOR: u64 = 2000;

/// The latest attempt of each door, and how often doors are asked to open.
#[derive(Default)]
pub(crate) struct Unlocks {
    latest: RefCell<SortedMap<DoorId, Rc<Attempt>>>,
    rates: RefCell<Rates>,
    /// How many records wait for the store.
    pub(super) waiting: Cell<usize>,
}

/// Asking a security system to unlock a door.
pub(crate) struct Attempt {
    answer: Joint<Result<UnlockOutcome, String>>,
    started: u64,
    progress: Rc<Progress>,
}

/// What those know of an attempt who share it.
struct Progress {
    ended: Cell<Option<u64>>,
    calls: Cell<u32>,
    /// A caller was answered before the security system had.
    is_late: Cell<bool>,
}

impl Unlocks {
    /// Takes a call into account that comes to no door.
    pub(super) fn take_caller(&self, caller: Option<&str>, time: u64) -> Result<(), NotAsked> {
        self.rates.borrow_mut().take_caller(caller, time)
    }
}

impl Attempt {
    /// What the security system answers. The driver's loop asks it while that `runs`.
    pub(crate) async fn answer(&self, runs: &Cell<bool>) -> Result<UnlockOutcome, String> {
        self.answer.outcome(runs).await
    }

    /// A caller is answered without waiting any longer.
    pub(crate) fn give_up(&self) {
        self.progress.is_late.set(true);
    }

    fn is_shared(&self, now: u64) -> bool {
        let within = |since: u64, limit| (since..since.saturating_add(limit)).contains(&now);
        match self.progress.ended.get() {
            None => within(self.started, SHARED_FOR),
            Some(ended) => {
                let is_success = matches!(self.answer.peek(), Some(Ok(UnlockOutcome::Unlocked)));
                is_success && within(ended, SUCCESS_SHARED_FOR)
            }
        }
    }
}

impl<H: Host + 'static> Driver<H> {
    /// Asks `system` to unlock `door`, or joins whoever does. The attempt goes on when nobody waits
    /// for it any more. The error says why it must not be made.
    pub(crate) fn unlock(
        &self,
        system: &str,
        door: &DoorId,
        asker: &Asker,
    ) -> Result<Rc<Attempt>, NotAsked> {
        let inner = &*self.0;
        let now = inner.host.now();
        let mut latest = inner.unlocks.latest.borrow_mut();
        latest
            .retain(|_, attempt| attempt.progress.ended.get().is_none() || attempt.is_shared(now));
        if let Some(attempt) = latest.get(door).filter(|attempt| attempt.is_shared(now)) {
            let calls = &attempt.progress.calls;
            calls.set(calls.get().saturating_add(1));
            return Ok(Rc::clone(attempt));
        }
        let caller = asker.caller.as_deref();
        let mut rates = inner.unlocks.rates.borrow_mut();
        rates.take(door, caller, inner.time())?;
        let attempt = Rc::new(self.begin(system.to_owned(), door.clone(), asker, now));
        latest.insert(door.clone(), Rc::clone(&attempt));
        Ok(attempt)
    }

    fn begin(&self, system: String, door: DoorId, asker: &Asker, started: u64) -> Attempt {
        let driver = self.clone();
        let mut entry = self.begin_entry(asker, &door, Some(&system));
        let caller = asker.caller.clone();
        let progress = Rc::<Progress>::default();
        let told = Rc::clone(&progress);
        let answer = async move {
            let host = &driver.0.host;
            if let Err(error) = driver.save_entry(&mut entry).await {
                driver
                    .0
                    .warn(&format!("an unlock could not be recorded: {error}"));
            }
            let answer = host.unlock(&system, door.as_str(), caller.as_deref()).await;
            told.ended.set(Some(host.now()));
            let (outcome, why) = match &answer {
                Ok(UnlockOutcome::Unlocked) => (Outcome::Unlocked, None),
                Ok(UnlockOutcome::Refused) => (Outcome::Refused, None),
                Ok(UnlockOutcome::Unsupported) => (Outcome::Unsupported, None),
                Err(why) => (Outcome::Failed, Some(why.clone())),
            };
            // Its callers are answered once the outcome is on record too: a module that is stopped lets
            // calls finish, and nothing else.
            entry.record.calls = told.calls.get();
            entry.record.is_late = told.is_late.get();
            driver.end_entry(entry, outcome, why).await;
            answer
        };
        Attempt {
            answer: Joint::begin(&self.0.tasks, answer),
            started,
            progress,
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            ended: Cell::new(None),
            calls: Cell::new(1),
            is_late: Cell::new(false),
        }
    }
}
