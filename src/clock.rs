//! A time that never goes back, made from the host's clock, which may.

use std::cell::Cell;

/// How far its time is ahead of the host's clock.
#[derive(Default)]
pub(crate) struct Clock {
    last: Cell<u64>,
    ahead: Cell<u64>,
}

impl Clock {
    /// The time in milliseconds, when the host's clock says `now`. It is that clock's until it goes
    /// back; from then on it goes on from where it was.
    pub(crate) fn time(&self, now: u64) -> u64 {
        let last = self.last.get();
        let time = now.saturating_add(self.ahead.get());
        if time < last {
            self.ahead.set(last - now);
        }
        self.last.set(time.max(last));
        self.last.get()
    }

    /// A time as the host's clock would say it: for what another instance is to read.
    pub(crate) fn to_host(&self, time: u64) -> u64 {
        time.saturating_sub(self.ahead.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_when_the_hosts_clock_goes_back() {
        let clock = Clock::default();
        let times = [1_000, 2_000, 500, 700, 5_000, 5_001].map(|now| clock.time(now));
        assert_eq!(times, [1_000, 2_000, 2_000, 2_200, 6_500, 6_501]);
        assert_eq!(clock.to_host(6_601), 5_101);
    }
}
