//! How a subscriber is, by the rules of design §6.3 and §6.4, as far as its answers tell.

use std::collections::BTreeSet;

use rhombus_driver::host::{PostAnswer, PostFailure};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::fact::AttemptId;
use crate::record::Key;
use crate::time::{HOUR, Moment, SECOND};

/// What an attempt came to, in the driver's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A 2xx.
    Taken,
    /// 429 or 503, and in how many milliseconds to come again.
    Busy(Option<u64>),
    /// 410.
    Gone,
    /// 400, 413 or 422: this body is refused.
    Refused,
    /// The egress rule forbids it.
    Blocked,
    /// Anything else. Whether a receiver that is more than a front door has answered.
    Failed { is_answered: bool },
}

impl Outcome {
    /// Reads a result that came at `now`.
    pub(crate) fn of(result: &Result<PostAnswer, PostFailure>, now: Moment) -> Self {
        match result {
            Ok(PostAnswer {
                status,
                retry_after,
            }) => match status {
                200..=299 => Self::Taken,
                429 | 503 => Self::Busy(retry_after.as_deref().and_then(|at| wait(at, now))),
                410 => Self::Gone,
                400 | 413 | 422 => Self::Refused,
                _ => Self::Failed {
                    is_answered: !matches!(status, 502 | 504),
                },
            },
            Err(PostFailure::Blocked(_)) => Self::Blocked,
            Err(_) => Self::Failed { is_answered: false },
        }
    }

    /// Whether it counts as one of a delivery's attempts.
    pub(crate) fn counts(self) -> bool {
        matches!(self, Self::Refused | Self::Gone | Self::Failed { .. })
    }

    fn is_answered(self) -> bool {
        matches!(
            self,
            Self::Taken | Self::Gone | Self::Refused | Self::Failed { is_answered: true }
        )
    }
}

/// A subscriber's state and counts.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) state: State,
    /// Failures in a row that are neither busy nor of a body.
    failures: u32,
    /// Different deliveries in a row whose body was refused.
    refused: BTreeSet<Key>,
    /// 410s in a row.
    gone: u32,
    /// When it last took something.
    last_taken: Option<Moment>,
    /// For how long it has been open, up to `open_since`.
    open_before: u64,
    open_since: Option<Moment>,
    /// The store has what is here.
    is_stored: bool,
}

/// Open or paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// After a restart, until an answer tells.
    Unknown,
    /// With room for so many attempts in flight, if that is known.
    Open { room: Option<u32> },
    /// Since a time.
    Paused(Pause),
    /// By a third 410.
    Disabled,
}

/// A pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pause {
    /// When the pause began, or its last probe ended.
    pub(crate) waits_since: Moment,
    /// How long from then on no probe is made.
    pub(crate) wait: u64,
    /// The step that the next failed probe is followed by.
    step: u64,
    /// The probe in flight.
    pub(crate) probe: Option<AttemptId>,
    /// Probes in a row that were answered by more than a front door.
    pub(crate) answered: u32,
    /// When the subscriber last took something before.
    pub(crate) last_taken: Option<Moment>,
}

impl Health {
    /// A new subscriber's, at `now`.
    pub(crate) fn new(now: Moment) -> Self {
        Self {
            state: State::Open { room: Some(32) },
            failures: 0,
            refused: BTreeSet::new(),
            gone: 0,
            last_taken: None,
            open_before: 0,
            open_since: Some(now),
            is_stored: true,
        }
    }

    /// Whether it is not known to be paused or disabled.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Unknown | State::Open { .. })
    }

    /// Its pause, if it is known to be paused.
    pub(crate) fn pause(&self) -> Option<Pause> {
        match self.state {
            State::Paused(pause) => Some(pause),
            State::Unknown | State::Open { .. } | State::Disabled => None,
        }
    }

    /// For how many milliseconds it has been open, up to `now`.
    pub(crate) fn open_time(&self, now: Moment) -> u64 {
        let since = self.open_since.unwrap_or(now);
        self.open_before + (now.elapsed - since.elapsed)
    }

    /// An attempt starts.
    pub(crate) fn begin(&mut self, attempt: AttemptId) {
        if let State::Paused(pause) = &mut self.state {
            pause.probe = Some(attempt);
        }
    }

    /// An attempt of the delivery `key` has come to an end.
    pub(crate) fn end(&mut self, attempt: AttemptId, key: Key, outcome: Outcome, now: Moment) {
        self.count(key, outcome);
        if self.state == State::Disabled || (outcome == Outcome::Gone && self.gone >= 3) {
            self.is_stored &= self.state == State::Disabled;
            self.close(State::Disabled, now);
            return;
        }
        match (self.state, outcome) {
            (State::Open { room }, Outcome::Taken) => {
                let room = room.map(|room| (room + 1).min(32));
                self.state = State::Open { room };
            }
            (State::Unknown, Outcome::Taken) => self.open(None, now),
            (State::Paused(_), Outcome::Taken) => self.open(Some(1), now),
            (State::Paused(pause), _) if pause.probe == Some(attempt) => {
                self.is_stored = false;
                self.state = State::Paused(pause.after(outcome, now));
            }
            (State::Paused(_), _) => {}
            (_, _) if self.must_pause(outcome) => {
                let pause = Pause {
                    waits_since: now,
                    wait: match outcome {
                        Outcome::Busy(Some(wait)) => wait.clamp(SECOND, HOUR),
                        _ => SECOND,
                    },
                    step: 2 * SECOND,
                    probe: None,
                    answered: 0,
                    last_taken: self.last_taken,
                };
                self.is_stored = false;
                self.close(State::Paused(pause), now);
            }
            (_, _) => {}
        }
        if outcome == Outcome::Taken {
            self.last_taken = Some(now);
        }
    }

    /// An attempt was given up: nothing is known of it.
    pub(crate) fn drop_attempt(&mut self, attempt: AttemptId) {
        if let State::Paused(pause) = &mut self.state
            && pause.probe == Some(attempt)
        {
            pause.probe = None;
        }
    }

    /// Somebody opens it: an operator, or a POST of its address.
    pub(crate) fn open_by_hand(&mut self, now: Moment) {
        match self.state {
            State::Paused(_) | State::Disabled => self.open(Some(1), now),
            State::Unknown | State::Open { .. } => {}
        }
        self.failures = 0;
        self.refused.clear();
        self.gone = 0;
    }

    /// What is here was committed.
    pub(crate) fn stored(&mut self) {
        self.is_stored = true;
    }

    /// Another instance has taken over, with what was committed.
    pub(crate) fn taken_over(&mut self) {
        match &mut self.state {
            _ if !self.is_stored => {
                self.state = State::Unknown;
                self.failures = 0;
                self.gone = 0;
                self.refused.clear();
            }
            State::Open { room } => *room = None,
            State::Paused(pause) => pause.probe = None,
            State::Unknown | State::Disabled => {}
        }
    }

    fn count(&mut self, key: Key, outcome: Outcome) {
        match outcome {
            Outcome::Taken => {
                self.failures = 0;
                self.refused.clear();
                self.gone = 0;
            }
            Outcome::Gone => self.gone += 1,
            Outcome::Refused => {
                self.refused.insert(key);
                self.gone = 0;
            }
            Outcome::Failed { .. } => {
                self.failures += 1;
                self.gone = 0;
            }
            Outcome::Busy(_) | Outcome::Blocked => self.gone = 0,
        }
    }

    fn must_pause(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Taken => false,
            Outcome::Busy(_) | Outcome::Gone | Outcome::Blocked => true,
            Outcome::Refused => self.refused.len() >= 8,
            Outcome::Failed { .. } => self.failures >= 8,
        }
    }

    fn open(&mut self, room: Option<u32>, now: Moment) {
        self.state = State::Open { room };
        self.is_stored = false;
        self.open_since.get_or_insert(now);
    }

    fn close(&mut self, state: State, now: Moment) {
        self.open_before = self.open_time(now);
        self.open_since = None;
        self.state = state;
    }
}

impl Pause {
    /// The pause after a probe that failed.
    fn after(self, outcome: Outcome, now: Moment) -> Self {
        let wait = match outcome {
            Outcome::Busy(Some(wait)) => wait.clamp(self.step, HOUR),
            _ => self.step,
        };
        Self {
            waits_since: now,
            wait,
            step: (self.step * 2).min(60 * SECOND),
            probe: None,
            answered: if outcome.is_answered() {
                self.answered + 1
            } else {
                0
            },
            last_taken: self.last_taken,
        }
    }
}

/// `Retry-After`, in milliseconds from `now`.
fn wait(text: &str, now: Moment) -> Option<u64> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds * SECOND);
    }
    let at = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    let at = u64::try_from(at.unix_timestamp()).ok()? * SECOND;
    Some(at.saturating_sub(now.wall))
}
