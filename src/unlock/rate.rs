//! How often doors are asked to open: a bound for each door, and one for each caller.
//!
//! Calls that share an attempt are not counted, so that a person who presses twice, or a core that
//! calls twice, is never told to wait.

use crate::door::DoorId;
use crate::sorted::SortedMap;

use super::NotAsked;

/// So many at once, and then one each so many milliseconds.
#[derive(Clone, Copy)]
struct Rate {
    burst: u64,
    interval: u64,
    why: &'static str,
}

/// A busy reception, and half as much again. More wears out a lock.
const PER_DOOR: Rate = Rate {
    burst: 20,
    interval: 3_000,
    why: "it was asked for too often; try again in a few seconds",
};
/// Every door of a large building at once, as in an evacuation. A trigger is one caller.
const PER_CALLER: Rate = Rate {
    burst: 1_000,
    interval: 100,
    why: "its caller asks for doors too often; try again in a few seconds",
};

/// What was asked for lately. Times are steady, in milliseconds.
#[derive(Default)]
pub(super) struct Rates {
    doors: SortedMap<DoorId, Bucket>,
    callers: SortedMap<Option<String>, Bucket>,
}

/// How much of a rate is used up, as the time at which nothing of it will be.
#[derive(Clone, Copy, Default)]
struct Bucket {
    empty_at: u64,
    /// The latest call was one too many.
    is_over: bool,
}

impl Rates {
    /// Takes one attempt of `caller` at `door` into account, unless it must not be made.
    pub(super) fn take(
        &mut self,
        door: &DoorId,
        caller: Option<&str>,
        now: u64,
    ) -> Result<(), NotAsked> {
        self.take_caller(caller, now)?;
        let bucket = self.doors.get_or_insert_with(door.clone(), Bucket::default);
        bucket.take(PER_DOOR, now)
    }

    /// The same for a call that comes to no door.
    pub(super) fn take_caller(&mut self, caller: Option<&str>, now: u64) -> Result<(), NotAsked> {
        self.doors.retain(|_, bucket| bucket.empty_at > now);
        self.callers.retain(|_, bucket| bucket.empty_at > now);
        let caller = caller.map(str::to_owned);
        let bucket = self.callers.get_or_insert_with(caller, Bucket::default);
        bucket.take(PER_CALLER, now)
    }
}

impl Bucket {
    fn take(&mut self, rate: Rate, now: u64) -> Result<(), NotAsked> {
        let empty_at = self.empty_at.max(now).saturating_add(rate.interval);
        if empty_at > now.saturating_add(rate.burst * rate.interval) {
            return Err(NotAsked {
                why: rate.why,
                is_recorded: !std::mem::replace(&mut self.is_over, true),
            });
        }
        *self = Self {
            empty_at,
            is_over: false,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(id: &str) -> DoorId {
        DoorId::parse(id).unwrap()
    }

    fn too_many(rate: Rate, is_recorded: bool) -> Result<(), NotAsked> {
        let why = rate.why;
        Err(NotAsked { why, is_recorded })
    }

    #[test]
    fn a_door_is_asked_twenty_times_at_once_and_then_every_three_seconds() {
        let mut rates = Rates::default();
        let lobby = door("lobby");
        for _ in 0..20 {
            rates.take(&lobby, None, 5_000).unwrap();
        }
        assert_eq!(rates.take(&lobby, None, 5_000), too_many(PER_DOOR, true));
        assert_eq!(rates.take(&lobby, None, 7_999), too_many(PER_DOOR, false));
        rates.take(&door("vault"), None, 7_999).unwrap();
        rates.take(&lobby, None, 8_000).unwrap();
        assert_eq!(rates.take(&lobby, None, 8_001), too_many(PER_DOOR, true));
    }

    #[test]
    fn a_caller_asks_a_thousand_times_at_once_and_then_ten_times_a_second() {
        let mut rates = Rates::default();
        let guard = Some("webhook.trig-1");
        for nth in 0..1_000 {
            rates.take(&door(&nth.to_string()), guard, 0).unwrap();
        }
        let lobby = door("lobby");
        assert_eq!(rates.take(&lobby, guard, 99), too_many(PER_CALLER, true));
        assert_eq!(rates.take_caller(guard, 99), too_many(PER_CALLER, false));
        rates.take(&lobby, Some("webhook.trig-2"), 99).unwrap();
        rates.take(&lobby, None, 99).unwrap();
        rates.take_caller(guard, 100).unwrap();
    }

    #[test]
    fn who_has_not_asked_for_a_while_is_forgotten() {
        let mut rates = Rates::default();
        rates.take(&door("lobby"), Some("a"), 0).unwrap();
        rates.take(&door("vault"), Some("b"), 3_000).unwrap();
        assert_eq!((rates.doors.len(), rates.callers.len()), (1, 1));
    }
}
