//! How often something may be done.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many times a second, and as many at once after a second of rest.
#[derive(Debug)]
pub(super) struct Rate {
    /// The time that one takes of a second.
    share: Duration,
    /// Up to when all time has been taken; in the past after a rest.
    taken_until: Mutex<Option<Instant>>,
}

impl Rate {
    /// At least once a second.
    pub(super) fn new(a_second: u32) -> Self {
        Self {
            share: Duration::from_secs(1) / a_second.max(1),
            taken_until: Mutex::default(),
        }
    }

    /// Whether it may be done once more, now.
    pub(super) fn take(&self, now: Instant) -> bool {
        // Nothing that is done under the lock can leave the time half changed.
        let mut taken_until = self
            .taken_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let next = taken_until.map_or(now, |until| until.max(now)) + self.share;
        let may_be = next.duration_since(now) <= Duration::from_secs(1);
        if may_be {
            *taken_until = Some(next);
        }
        may_be
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seconds_worth_may_come_at_once_and_then_one_a_share() {
        let rate = Rate::new(4);
        let begin = Instant::now();
        let takes = |millis: u64| rate.take(begin + Duration::from_millis(millis));
        assert_eq!([takes(0), takes(0), takes(0), takes(0)], [true; 4]);
        assert!(!takes(0) && !takes(249));
        assert!(takes(250) && !takes(250) && takes(500));
        // A rest longer than a second gives no more than a second's worth.
        assert_eq!(
            [(); 5].map(|()| takes(9000)),
            [true, true, true, true, false]
        );
    }
}
