//! Whether this machine's clock is right: what is signed carries its time.

use std::time::{Duration, SystemTime};

use super::finding::Finding;

/// How far a clock may be off. Receivers that check the time of a signature give some minutes.
const MOST: Duration = Duration::from_secs(60);

/// How far other machines' clocks are from this one's, and whose they are.
#[derive(Debug, Default)]
pub(super) struct Clocks(Vec<Clock>);

/// Another machine's clock.
#[derive(Debug)]
pub(super) struct Clock {
    whose: String,
    off: Duration,
}

impl Clock {
    /// One that is at `time` now.
    pub(super) fn at(whose: impl Into<String>, time: SystemTime) -> Self {
        let now = SystemTime::now();
        let ahead = time.duration_since(now);
        Self {
            whose: whose.into(),
            off: ahead.unwrap_or_else(|behind| behind.duration()),
        }
    }
}

impl Extend<Clock> for Clocks {
    fn extend<T: IntoIterator<Item = Clock>>(&mut self, clocks: T) {
        self.0.extend(clocks);
    }
}

impl Clocks {
    /// One that agrees is enough: another machine's may be the one that is wrong.
    pub(super) fn compared(&self) -> Finding {
        const WHAT: &str = "clock";
        match self.0.iter().min_by_key(|clock| clock.off) {
            None => Finding::doubtful(
                WHAT,
                "nobody answered whose clock it could be compared with; see that it is synchronised",
            ),
            Some(Clock { whose, off }) if *off <= MOST => {
                Finding::good(WHAT, format!("it agrees with that of {whose}"))
            }
            Some(Clock { whose, off }) => Finding::bad(
                WHAT,
                format!(
                    "{} s from that of {whose}, and no other is nearer; receivers may refuse what it \
                     signs: synchronise it, by NTP for example",
                    off.as_secs()
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(seconds: &[i64]) -> Finding {
        let now = SystemTime::now();
        let clocks = seconds.iter().map(|seconds| {
            let off = Duration::from_secs(seconds.unsigned_abs());
            let time = if *seconds < 0 { now - off } else { now + off };
            Clock::at("it", time)
        });
        Clocks(clocks.collect()).compared()
    }

    #[test]
    fn a_clock_is_right_if_one_other_agrees() {
        for right in [&[0][..], &[-50], &[50], &[-7000, 3]] {
            assert!(!compared(right).is_bad(), "{right:?}");
        }
        for wrong in [&[-120][..], &[120], &[-7000, 300]] {
            assert!(compared(wrong).is_bad(), "{wrong:?}");
        }
        assert!(compared(&[]).to_string().starts_with("note"));
    }
}
