//! Time, twice: how much has passed, which only rises, and the wall clock that the module sees,
//! which may jump both ways. All in milliseconds.

/// A second.
pub const SECOND: u64 = 1000;
/// A minute.
pub const MINUTE: u64 = 60 * SECOND;
/// An hour.
pub const HOUR: u64 = 60 * MINUTE;
/// A day.
pub const DAY: u64 = 24 * HOUR;

/// When histories begin on the wall clock: 2026-01-01T00:00:00Z, since 1970.
const BEGINNING: u64 = 1_767_225_600_000;

/// When something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since the history began.
    pub elapsed: u64,
    /// Since 1970, as the module sees it.
    pub wall: u64,
    /// How often the wall clock has jumped so far.
    jumps: u32,
}

impl Moment {
    /// How long after `earlier` this is; `None` if the wall clock has jumped in between, so that the
    /// module cannot know.
    pub fn since(self, earlier: Self) -> Option<u64> {
        (self.jumps == earlier.jumps).then(|| self.elapsed - earlier.elapsed)
    }
}

/// Both times.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    elapsed: u64,
    /// How far the wall clock is off.
    offset: i64,
    jumps: u32,
}

impl Clock {
    pub(crate) fn now(&self) -> Moment {
        Moment {
            elapsed: self.elapsed,
            wall: (BEGINNING + self.elapsed).saturating_add_signed(self.offset),
            jumps: self.jumps,
        }
    }

    /// Lets time pass until `elapsed`, if that is later than now.
    pub(crate) fn pass_to(&mut self, elapsed: u64) {
        self.elapsed = self.elapsed.max(elapsed);
    }

    /// Moves the wall clock by `by`.
    pub(crate) fn jump(&mut self, by: i64) {
        self.offset += by;
        self.jumps += 1;
    }

    /// Puts the wall clock right.
    pub(crate) fn set_right(&mut self) {
        if self.offset != 0 {
            self.jump(-self.offset);
        }
    }
}
