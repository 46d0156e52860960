//! When an attempt that failed is made again.

use std::time::Duration;

/// After this many attempts, about three days, a delivery becomes a dead letter.
pub(super) const MAX_ATTEMPTS: u32 = 80;
/// After this many answers that its body is not wanted, too.
pub(super) const MAX_UNWELCOME: u32 = 3;

/// The waits after the first attempts, in seconds; after those it is hourly.
const STEPS: [u64; 6] = [1, 5, 30, 120, 600, 1800];
const HOURLY: u64 = 3600;

/// How long to wait after `attempts` failures, in milliseconds: the step, longer or shorter by up to
/// a fifth. `chance` spreads it, so that many deliveries do not come back at once.
pub(super) fn wait(attempts: u32, chance: u8) -> u64 {
    let step = step(attempts).as_secs();
    step * 800 + u64::from(chance) * 400 / 255 * step
}

/// What is left at `now` of a wait until `next`, in milliseconds. If it is more than the wait can be,
/// `next` was planned by a clock that ran ahead, and nothing is left.
pub(super) fn rest(next: u64, attempts: u32, now: u64) -> u64 {
    let rest = next.saturating_sub(now);
    if rest > step(attempts).as_secs() * 1200 {
        0
    } else {
        rest
    }
}

fn step(attempts: u32) -> Duration {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    Duration::from_secs(STEPS.get(index).copied().unwrap_or(HOURLY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_spread_by_a_fifth() {
        let bounds = |attempts| (wait(attempts, 0), wait(attempts, 255));
        assert_eq!(bounds(1), (800, 1200));
        assert_eq!(bounds(2), (4000, 6000));
        assert_eq!(bounds(3), (24_000, 36_000));
        assert_eq!(bounds(6), (1_440_000, 2_160_000));
        assert_eq!(bounds(7), (2_880_000, 4_320_000));
        assert_eq!(bounds(79), (2_880_000, 4_320_000));
    }

    #[test]
    fn eighty_attempts_take_about_three_days() {
        let total: Duration = (1..MAX_ATTEMPTS).map(step).sum();
        assert_eq!(total.as_secs() / 3600, 73);
    }

    #[test]
    fn a_clock_that_ran_ahead_holds_nothing_back() {
        assert_eq!(rest(1_000, 1, 1_000), 0);
        assert_eq!(rest(1_000, 1, 5_000), 0);
        assert_eq!(rest(2_000, 1, 1_000), 1_000);
        assert_eq!(rest(86_400_000, 1, 1_000), 0);
        for attempts in 1..=MAX_ATTEMPTS {
            let longest = wait(attempts, u8::MAX);
            assert_eq!(rest(1_000 + longest, attempts, 1_000), longest);
            assert_eq!(rest(1_001 + longest, attempts, 1_000), 0);
        }
    }
}
