//! The record of unlocks: who asked for which door when, of which security system, and what came of it.
//!
//! The store has a record for each attempt, and the log a line. Calls that share an attempt are counted
//! in its record. A store that does not answer holds up no door: the record follows as soon as it can.

use std::time::Duration;

use serde::Serialize;

use crate::deadline::within;
use crate::door::DoorId;
use crate::driver::{Driver, STORE_PAUSE};
use crate::host::{CommitError, Host, Level};
use crate::kept::Kind;
use crate::key::Key;
use crate::record::{self, UnlockRecord, Version};
use crate::webhook::{Caller, Headers};

/// How long a door waits for the store.
const STORE_LIMIT: Duration = Duration::from_secs(2);
/// How many records wait for a store that does not answer. Beyond, the log has them.
const MOST_WAITING: usize = 1_000;

/// Who asks for a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    pub(crate) caller: Option<String>,
    /// The request's `X-Request-ID`, by which those along its way know it; a new one if it has none
    /// that is 1 to 64 of `A–Z a–z 0–9 . _ -`.
    pub(crate) request_id: String,
}

/// What came of an attempt to unlock a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// The security system was asked. In a record that stays so: nothing is known of its answer,
    /// because the module was killed, or because it never gave one.
    Asked,
    /// The door was opened.
    Unlocked,
    /// The security system refused.
    Refused,
    /// It cannot unlock.
    Unsupported,
    /// It failed.
    Failed,
    /// No security system was asked.
    NotAsked,
}

impl Asker {
    pub(crate) fn of(host: &impl Host, caller: Caller<'_>, headers: Headers<'_>) -> Self {
        let new = || format!("req_{}", hex::encode(host.random()));
        Self {
            caller: caller.map(str::to_owned),
            request_id: request_id(headers).map_or_else(new, str::to_owned),
        }
    }
}

/// An attempt on its way into the store.
pub(super) struct Entry {
    key: Key,
    pub(super) record: UnlockRecord,
    /// The store has it for sure.
    is_saved: bool,
}

impl<H: Host + 'static> Driver<H> {
    /// Begins the record of an attempt.
    pub(super) fn begin_entry(&self, asker: &Asker, door: &DoorId, system: Option<&str>) -> Entry {
        let inner = &*self.0;
        let record = UnlockRecord {
            v: Version,
            at: inner.host.now(),
            door_id: door.clone(),
            system: system.map(str::to_owned),
            caller: asker.caller.clone(),
            request_id: asker.request_id.clone(),
            outcome: Outcome::Asked,
            why: None,
            ended: None,
            calls: 1,
            is_late: false,
        };
        Entry {
            key: inner.next_key(),
            record,
            is_saved: false,
        }
    }

    /// Saves what is known of an attempt. A store that does not answer is not waited for.
    pub(super) async fn save_entry(&self, entry: &mut Entry) -> Result<(), CommitError> {
        let inner = &*self.0;
        let mut changes = vec![record::put(record::unlock(entry.key), &entry.record)];
        if !entry.is_saved {
            changes.push(inner.last_key_record());
        }
        let saved = within(&inner.host, STORE_LIMIT, inner.host.commit(changes)).await;
        saved.unwrap_or_else(|| Err(CommitError::Failed("no answer in time".to_owned())))?;
        if !std::mem::replace(&mut entry.is_saved, true) {
            inner.kept.add(Kind::Unlock, 1);
        }
        Ok(())
    }

    /// Ends the record of an attempt, in the log and in the store; there as soon as it answers.
    pub(super) async fn end_entry(&self, mut entry: Entry, outcome: Outcome, why: Option<String>) {
        let inner = &*self.0;
        entry.record.outcome = outcome;
        entry.record.why = why;
        entry.record.ended = Some(inner.host.now());
        self.tell(&entry.record);
        let Err(error) = self.save_entry(&mut entry).await else {
            return;
        };
        inner.warn(&format!("an unlock could not be recorded: {error}"));
        let waiting = &inner.unlocks.waiting;
        if waiting.get() == MOST_WAITING {
            return;
        }
        waiting.set(waiting.get() + 1);
        let driver = self.clone();
        inner.tasks.spawn(async move {
            let inner = &*driver.0;
            while !inner.stopped.get() {
                inner.host.sleep(STORE_PAUSE).await;
                if driver.save_entry(&mut entry).await.is_ok() {
                    break;
                }
            }
            let waiting = &inner.unlocks.waiting;
            waiting.set(waiting.get() - 1);
        });
    }

    fn tell(&self, unlock: &UnlockRecord) {
        let (level, message) = match unlock.outcome {
            Outcome::Unlocked if unlock.is_late => (
                Level::Warn,
                "a door was unlocked after its caller was answered",
            ),
            Outcome::Unlocked => (Level::Info, "a door was unlocked"),
            _ => (Level::Warn, "a door was not unlocked"),
        };
        let fields = [
            ("door", Some(unlock.door_id.as_str())),
            ("system", unlock.system.as_deref()),
            ("caller", unlock.caller.as_deref()),
            ("request", Some(unlock.request_id.as_str())),
            ("reason", unlock.why.as_deref()),
        ];
        let known = fields.into_iter();
        let known: Vec<_> = known
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        self.0.host.log(level, message, &known);
        if unlock.outcome == Outcome::Failed || unlock.is_late {
            let because = unlock.why.iter().map(|why| format!(": {why}"));
            let because: String = because.collect();
            self.0
                .report
                .error(&format!("{message}, {}{because}", unlock.door_id));
        }
    }
}

/// The `X-Request-ID`, if it is one that can be told from other text in a log.
fn request_id(headers: Headers<'_>) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("x-request-id"))
        .map(|(_, id)| id.as_str())
        .filter(|id| (1..=64).contains(&id.len()) && id.bytes().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_kept_unless_it_could_be_taken_for_more() {
        let id = |name: &str, value: &str| {
            let headers = [("Host", "x"), (name, value)];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
            request_id(&headers).map(str::to_owned)
        };
        let longest = "x".repeat(64);
        for plain in ["7", "9f1c-4.e_A", &longest] {
            assert_eq!(id("X-Request-ID", plain).as_deref(), Some(plain));
            assert_eq!(id("x-request-id", plain).as_deref(), Some(plain));
        }
        let too_long = "x".repeat(65);
        for odd in ["", "a b", "a\nb", "a=b", "\u{fc}", &too_long] {
            assert_eq!(id("X-Request-ID", odd), None, "{odd:?}");
        }
        assert_eq!(id("X-Request", "7"), None);
    }
}
