//! A rate that may be exceeded for a while: a bucket that leaks.

use std::time::Duration;

/// How much may come, in units of the caller's choice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// At once.
    pub(super) burst: u64,
    /// In each second from then on.
    pub(super) per_second: u64,
}

/// What is left of a [`Rate`].
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    left: f64,
    /// When `left` was true.
    at: Duration,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            left: rate.burst as f64,
            at: Duration::ZERO,
        }
    }

    /// Takes `amount` at the time `now`, which only rises; `false` if that much is not there.
    pub(super) fn take(&mut self, amount: usize, now: Duration) -> bool {
        let since = now.saturating_sub(self.at).as_secs_f64();
        self.left += since * self.rate.per_second as f64;
        self.left = self.left.min(self.rate.burst as f64);
        self.at = now;
        let amount = amount as f64;
        let is_there = amount <= self.left;
        if is_there {
            self.left -= amount;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back_with_time_and_no_more_than_fits() {
        let seconds = Duration::from_secs;
        let rate = Rate {
            burst: 100,
            per_second: 10,
        };
        let mut bucket = Bucket::new(rate);
        assert!(bucket.take(100, seconds(0)));
        assert!(!bucket.take(1, seconds(0)));
        assert!(bucket.take(10, seconds(1)));
        assert!(!bucket.take(1, seconds(1)));
        assert!(!bucket.take(101, seconds(1000)));
        assert!(bucket.take(100, seconds(1000)));
    }
}
