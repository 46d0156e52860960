//! Record keys that sort by time.

use std::fmt;

/// A point in the order of acceptance: microseconds since 1970, but never less than one more than
/// the key before it. The order therefore survives any clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

/// Digits of a key's text.
const DIGITS: usize = 17;
/// No time gives a later key, so that a clock that jumps ahead, however far, leaves keys to come that have
/// as many digits. It is in the year 4821.
const LATEST_TIME: u64 = 90_000_000_000_000_000;
/// The last key after which there are enough left.
const LAST: u64 = 99_000_000_000_000_000;

impl Key {
    /// Before all keys.
    pub const ZERO: Self = Self(0);

    /// The key that follows `self`, at `now` milliseconds since 1970.
    #[must_use]
    pub fn next(self, now: u64) -> Self {
        let now = now.saturating_mul(1000).min(LATEST_TIME);
        Self(self.0.max(now).saturating_add(1))
    }

    /// Whether as many keys can follow it as anybody needs. No clock can come to one that says no.
    pub fn leaves_room(self) -> bool {
        self.0 < LAST
    }

    /// When it was given out, in milliseconds since 1970, by the clock of that moment.
    pub fn millis(self) -> u64 {
        self.0 / 1000
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let is_key = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        is_key.then(|| text.parse().ok().map(Self)).flatten()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_rise_when_the_clock_stands_still_or_goes_back() {
        let first = Key::ZERO.next(1_000);
        let second = first.next(1_000);
        let third = second.next(10);
        assert!(first < second && second < third);
        assert!(first.to_string() < second.to_string());
    }

    #[test]
    fn no_clock_makes_a_key_that_cannot_be_read_back() {
        let mut key = Key::ZERO;
        for now in [u64::MAX, 200_000_000_000_000, 0] {
            let next = key.next(now);
            assert!(next > key && next.leaves_room());
            assert_eq!(Key::parse(&next.to_string()), Some(next));
            key = next;
        }
        let last = Key::parse("99999999999999999").unwrap();
        assert!(!last.leaves_room());
    }

    #[test]
    fn a_key_is_read_back_and_nothing_else_is() {
        let key = Key::ZERO.next(1_767_225_600_000);
        assert_eq!(Key::parse(&key.to_string()), Some(key));
        for text in [
            "",
            "1",
            "+0000000000000001",
            "0000000000000000x",
            "000000000000000001",
        ] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }
}
