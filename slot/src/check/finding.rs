//! What a look has found, in one line.

use std::fmt;

use crate::escape::Escaping;

/// What was looked at, how it is, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    verdict: Verdict,
    what: String,
    found: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    Doubtful,
    Bad,
}

impl Finding {
    /// It can work like this.
    pub(super) fn good(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self::of(Verdict::Good, what, found)
    }

    /// It can work like this, and a person should know.
    pub(super) fn doubtful(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self::of(Verdict::Doubtful, what, found)
    }

    /// It cannot work like this.
    pub(super) fn bad(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self::of(Verdict::Bad, what, found)
    }

    fn of(verdict: Verdict, what: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            verdict,
            what: what.into(),
            found: found.into(),
        }
    }

    pub(super) fn is_bad(&self) -> bool {
        self.verdict == Verdict::Bad
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Good => "good",
            Verdict::Doubtful => "note",
            Verdict::Bad => "BAD ",
        };
        // Some of it came from other machines.
        use fmt::Write;
        write!(Escaping(f), "{verdict}  {}: {}", self.what, self.found)
    }
}
