//! How a subscriber is, by the rules of design §6.3 and §6.4, as far as its answers tell.
//!
//! Where the driver may be in one of two states, the model is in the one that permits more.

use std::collections::BTreeSet;

use rhombus_driver::host::{PostAnswer, PostFailure};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::fact::AttemptId;
use crate::record::{self, Key};
use crate::time::{HOUR, MINUTE, Moment, SECOND};

/// So many failures in a row pause a subscriber, and so many different bodies in a row that it
/// refuses.
const IN_A_ROW: usize = 8;
/// So many 410s in a row disable it.
const GONE: u32 = 3;

/// What an attempt came to, in the driver's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A 2xx.
    Taken,
    /// 429 or 503, and for how many milliseconds to stay away.
    Busy(u64),
    /// 410.
    Gone,
    /// 400, 413 or 422: this body is refused.
    Refused,
    /// The egress rule forbids it.
    Blocked,
    /// Anything else that a receiver answered.
    Failed,
    /// Nothing was answered, or only by a gateway before the receiver.
    Unanswered,
}

impl Outcome {
    /// Reads a result that came at `now`.
    pub(crate) fn of(result: &Result<PostAnswer, PostFailure>, now: Moment) -> Self {
        match result {
            Ok(answer) => match answer.status {
                200..=299 => Self::Taken,
                429 | 503 => {
                    let wait = answer.retry_after.as_deref().and_then(|at| wait(at, now));
                    Self::Busy(wait.unwrap_or(0).min(HOUR))
                }
                410 => Self::Gone,
                400 | 413 | 422 => Self::Refused,
                502 | 504 => Self::Unanswered,
                _ => Self::Failed,
            },
            Err(PostFailure::Blocked(_)) => Self::Blocked,
            Err(_) => Self::Unanswered,
        }
    }

    /// Whether it counts as one of a delivery's attempts.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Self::Taken | Self::Busy(_) | Self::Blocked)
    }
}

/// A subscriber's state and counts.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) state: State,
    /// Failures in a row that are neither busy nor of a body.
    failures: usize,
    /// Different deliveries in a row whose body was refused.
    refused: BTreeSet<Key>,
    /// 410s in a row.
    gone: u32,
    /// When it last took something.
    last_taken: Option<Moment>,
    created: Moment,
    pauses: Pauses,
    /// Those that the store knows of.
    stored_pauses: Pauses,
}

/// When a subscriber was not open.
#[derive(Clone, Copy, Debug, Default)]
struct Pauses {
    /// For how many milliseconds, up to `since`.
    before: u64,
    since: Option<Moment>,
}

/// Open or paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Any: somebody may have opened it. What it takes next makes it clear, unless it may be disabled.
    Unclear {
        /// 410s in a row, at most.
        gone: u32,
        /// How many of them came since somebody began to open it.
        gone_since: u32,
    },
    /// With room for so many attempts in flight, if that is known.
    Open { room: Option<u32> },
    /// For a while.
    Paused(Pause),
    /// By a third 410.
    Disabled,
}

/// A pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pause {
    /// When the pause began, or its last probe ended, or an instance has taken it over.
    pub(crate) waits_since: Moment,
    /// How long from then on no probe is made, in milliseconds.
    pub(crate) wait: u64,
    /// The probe in flight.
    pub(crate) probe: Option<AttemptId>,
    /// Probes in a row that the receiver itself has answered.
    pub(crate) answered: u32,
    /// Probes that have failed.
    probes: u32,
}

/// How an attempt began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To an open subscriber.
    Regular,
    /// To a paused one.
    Probe,
    /// To one that was the one or the other.
    Unclear,
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
            created: now,
            pauses: Pauses::default(),
            stored_pauses: Pauses::default(),
        }
    }

    /// Another instance takes over at `now`, and finds this record, if there is one.
    pub(crate) fn taken_over(&mut self, record: Option<&record::Health>, now: Moment) {
        // When it last took something is not written down each time.
        self.last_taken = None;
        let pause = record.and_then(|record| record.pause.as_ref());
        self.state = match (record, pause) {
            (Some(record), _) if record.is_disabled => State::Disabled,
            (_, Some(pause)) => State::Paused(Pause {
                waits_since: now,
                wait: pause.next_probe.saturating_sub(now.wall).min(pause.wait),
                probe: None,
                answered: pause.answered,
                probes: pause.probes,
            }),
            (_, None) => State::Open { room: Some(32) },
        };
        self.failures = record.map_or(0, |record| record.failures);
        self.gone = record.map_or(0, |record| record.gone);
        let refused = record.into_iter().flat_map(|record| &record.unwelcome);
        self.refused = refused.filter_map(|key| Key::read(key)).collect();
        // A pause that is not written down was open time.
        self.pauses = self.stored_pauses;
        if self.is_open() {
            self.pauses.since = None;
        } else {
            self.pauses.since.get_or_insert(now);
        }
    }

    /// Its record was written.
    pub(crate) fn stored(&mut self) {
        self.stored_pauses = self.pauses;
    }

    /// Whether it is known to be open.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// For how many milliseconds it has been open up to `now`, at most.
    pub(crate) fn open_time(&self, now: Moment) -> u64 {
        let until = self.pauses.since.unwrap_or(now);
        (until.elapsed - self.created.elapsed) - self.pauses.before
    }

    /// What has failed since this time is due once it opens; all, if it is not known.
    pub(crate) fn last_taken(&self) -> Option<Moment> {
        self.last_taken
    }

    /// An attempt starts.
    pub(crate) fn begin(&mut self, attempt: AttemptId) -> Kind {
        match &mut self.state {
            State::Open { .. } => Kind::Regular,
            State::Unclear { .. } => Kind::Unclear,
            State::Paused(pause) => {
                pause.probe = Some(attempt);
                Kind::Probe
            }
            State::Disabled => Kind::Probe,
        }
    }

    /// An attempt has come to an end; it was of the delivery `key`, or a test.
    pub(crate) fn end(
        &mut self,
        attempt: AttemptId,
        key: Option<Key>,
        outcome: Outcome,
        now: Moment,
    ) {
        if outcome == Outcome::Taken {
            self.taken(now);
            return;
        }
        let is_probe = match self.state {
            State::Open { .. } => false,
            State::Paused(pause) => pause.probe == Some(attempt),
            State::Unclear { gone, gone_since } => {
                if outcome == Outcome::Gone {
                    let (gone, gone_since) = (gone + 1, gone_since + 1);
                    self.state = State::Unclear { gone, gone_since };
                }
                return;
            }
            State::Disabled => return,
        };
        if !is_probe && !self.is_open() {
            // It was under way when the subscriber was paused, and says nothing that is new.
            return;
        }
        self.count(key, outcome);
        if self.gone >= GONE {
            self.close(State::Disabled, now);
        } else if let State::Paused(pause) = self.state {
            self.state = State::Paused(pause.after(outcome, now));
        } else if self.must_pause(outcome) {
            let pause = Pause {
                waits_since: now,
                wait: probe_wait(0, outcome),
                probe: None,
                answered: 0,
                probes: 0,
            };
            self.close(State::Paused(pause), now);
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

    /// Somebody may be opening it: an operator, or a POST of its address.
    pub(crate) fn may_open(&mut self, now: Moment) {
        if !self.is_open() {
            self.lose_track(now);
        }
    }

    /// What it was opened from is past.
    pub(crate) fn opened(&mut self) {
        if let State::Unclear { gone, gone_since } = &mut self.state {
            *gone = *gone_since;
        }
    }

    /// What came of an attempt is not known, or whether it is open.
    pub(crate) fn lose_track(&mut self, now: Moment) {
        let gone = match self.state {
            State::Unclear { .. } => return,
            State::Disabled => GONE,
            State::Open { .. } | State::Paused(_) => self.gone,
        };
        self.state = State::Unclear {
            gone,
            gone_since: 0,
        };
        self.pauses.end(now);
    }

    fn taken(&mut self, now: Moment) {
        match self.state {
            // Only an operator or a POST opens it.
            State::Disabled => return,
            State::Unclear { gone, .. } if gone >= GONE => return,
            State::Open { room } => {
                let room = room.map(|room| (room + 1).min(32));
                self.state = State::Open { room };
            }
            State::Unclear { .. } => self.open(None, now),
            State::Paused(_) => self.open(Some(1), now),
        }
        self.failures = 0;
        self.refused.clear();
        self.gone = 0;
        self.last_taken = Some(now);
    }

    fn count(&mut self, key: Option<Key>, outcome: Outcome) {
        self.gone = match outcome {
            Outcome::Gone => self.gone + 1,
            _ => 0,
        };
        match outcome {
            Outcome::Refused => self.refused.extend(key),
            Outcome::Failed | Outcome::Unanswered => self.failures += 1,
            Outcome::Taken | Outcome::Busy(_) | Outcome::Gone | Outcome::Blocked => {}
        }
    }

    fn must_pause(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Taken => false,
            Outcome::Busy(_) | Outcome::Gone | Outcome::Blocked => true,
            Outcome::Refused => self.refused.len() >= IN_A_ROW,
            Outcome::Failed | Outcome::Unanswered => self.failures >= IN_A_ROW,
        }
    }

    fn open(&mut self, room: Option<u32>, now: Moment) {
        self.state = State::Open { room };
        self.failures = 0;
        self.refused.clear();
        self.gone = 0;
        self.pauses.end(now);
    }

    fn close(&mut self, state: State, now: Moment) {
        self.pauses.since.get_or_insert(now);
        self.state = state;
    }
}

impl Pauses {
    fn end(&mut self, now: Moment) {
        if let Some(since) = self.since.take() {
            self.before += now.elapsed - since.elapsed;
        }
    }
}

impl Pause {
    /// The pause after a probe that failed.
    fn after(self, outcome: Outcome, now: Moment) -> Self {
        let probes = self.probes + 1;
        let is_answered = matches!(outcome, Outcome::Refused | Outcome::Gone | Outcome::Failed);
        Self {
            waits_since: now,
            wait: probe_wait(probes, outcome),
            probe: None,
            answered: if is_answered { self.answered + 1 } else { 0 },
            probes,
        }
    }
}

/// How long the next probe waits after so many that failed, the last of them with `outcome`.
fn probe_wait(probes: u32, outcome: Outcome) -> u64 {
    let usual = (SECOND << probes.min(6)).min(MINUTE);
    match outcome {
        Outcome::Busy(wanted) => usual.max(wanted),
        _ => usual,
    }
}

/// `Retry-After`, in milliseconds from `now`.
fn wait(text: &str, now: Moment) -> Option<u64> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(SECOND));
    }
    let at = OffsetDateTime::parse(&text.replace("GMT", "+0000"), &Rfc2822).ok()?;
    let at = u64::try_from(at.unix_timestamp()).ok()? * SECOND;
    Some(at.saturating_sub(now.wall))
}
