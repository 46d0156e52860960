//! Whether a subscriber is sent to: open, paused or disabled. Plain policy, without a clock.
//!
//! A subscriber's *open time* is the time less what of it the subscriber was paused. The schedules of
//! its deliveries run in open time, and so stand still while it is paused.

use crate::key::Key;
use crate::record::{HealthRecord, PauseRecord, Version};

use super::queue::Flight;
use super::verdict::Verdict;

/// So many failures in a row pause a subscriber, and so many different deliveries in a row whose body
/// is not wanted.
const FAILURES: u32 = 8;
/// So many answers in a row that it is gone disable it.
const GONE: u32 = 3;
/// The most attempts in flight to one subscriber.
pub(super) const IN_FLIGHT: usize = 32;
/// The longest wait between two probes, in milliseconds.
const PROBE_WAIT: u64 = 60_000;
/// After so many probes in a row, a week, they come hourly.
const PROBES_A_WEEK: u32 = 10_080;
const HOURLY: u64 = 3_600_000;

/// The state of a subscriber, and what has led there.
pub(super) struct Health {
    state: State,
    /// Failures since the last success.
    failures: u32,
    /// Deliveries since the last success whose body was not wanted.
    unwelcome: Vec<Key>,
    /// Answers in a row that it is gone.
    gone: u32,
    /// How long it was paused before, in milliseconds.
    paused_for: u64,
    /// The open time of the last success.
    healthy_at: Option<u64>,
    /// How many attempts may be in flight while it is open.
    window: usize,
    /// Why it is not open.
    why: Option<String>,
    is_unsaved: bool,
}

enum State {
    Open,
    Paused(Pause),
    Disabled,
}

struct Pause {
    since: u64,
    /// Probes in a row that failed.
    probes: u32,
    /// The last of those, in a row, that the receiver itself answered.
    answered: u32,
    /// How long the next one waits for, and when it is due.
    wait: u64,
    next_probe: u64,
    /// It is the egress rule that holds the subscriber.
    is_blocked: bool,
}

/// What may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// So many attempts may be in flight.
    Open(usize),
    /// One probe, from this time on; and how many probes the receiver itself has answered in a row.
    Probe { at: u64, answered: u32 },
    /// Nothing.
    Shut,
}

/// What the end of an attempt has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The state is what it was.
    None,
    /// It is paused now.
    Paused,
    /// It is open again. What has failed since that open time, the last success, is due.
    Opened { healthy_at: Option<u64> },
    /// It is disabled now.
    Disabled,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            state: State::Open,
            failures: 0,
            unwelcome: Vec::new(),
            gone: 0,
            paused_for: 0,
            healthy_at: None,
            window: IN_FLIGHT,
            why: None,
            is_unsaved: false,
        }
    }
}

impl Health {
    /// What an earlier instance has left, at `now` by the host's clock. That instance's clock may have
    /// been another one: nothing in it is later than it can be.
    pub(super) fn restored(record: HealthRecord, now: u64) -> Self {
        let state = match record.pause {
            _ if record.is_disabled => State::Disabled,
            None => State::Open,
            Some(pause) => State::Paused(Pause::restored(&pause, now)),
        };
        let unwelcome = record.unwelcome.iter();
        let paused_for = record.paused_for.min(now);
        Self {
            state,
            failures: record.failures,
            unwelcome: unwelcome.filter_map(|key| Key::parse(key)).collect(),
            gone: record.gone,
            paused_for,
            healthy_at: record.healthy_at.map(|at| at.min(now - paused_for)),
            why: record.why,
            ..Self::default()
        }
    }

    /// For another instance to read; `to_host` turns a time into what the host's clock says.
    pub(super) fn record(&self, to_host: impl Fn(u64) -> u64) -> HealthRecord {
        let pause = match &self.state {
            State::Paused(pause) => Some(pause.record(&to_host)),
            State::Open | State::Disabled => None,
        };
        HealthRecord {
            v: Version,
            is_disabled: self.is_disabled(),
            pause,
            failures: self.failures,
            unwelcome: self.unwelcome.iter().map(Key::to_string).collect(),
            gone: self.gone,
            paused_for: self.paused_for,
            healthy_at: self.healthy_at.map(&to_host),
            why: self.why.clone(),
        }
    }

    /// Whether it has changed since the last call: whoever asks saves it.
    pub(super) fn take_unsaved(&mut self) -> bool {
        std::mem::take(&mut self.is_unsaved)
    }

    /// It was not saved after all.
    pub(super) fn mark_unsaved(&mut self) {
        self.is_unsaved = true;
    }

    /// What may be sent.
    pub(super) fn gate(&self) -> Gate {
        match &self.state {
            State::Open => Gate::Open(self.window),
            State::Paused(pause) => Gate::Probe {
                at: pause.next_probe,
                answered: pause.answered,
            },
            State::Disabled => Gate::Shut,
        }
    }

    /// The open time at `time`.
    pub(super) fn open_time(&self, time: u64) -> u64 {
        let time = match &self.state {
            State::Paused(pause) => pause.since,
            State::Open | State::Disabled => time,
        };
        time.saturating_sub(self.paused_for)
    }

    /// Since when it is paused.
    pub(super) fn paused_since(&self) -> Option<u64> {
        match &self.state {
            State::Paused(pause) => Some(pause.since),
            State::Open | State::Disabled => None,
        }
    }

    pub(super) fn is_disabled(&self) -> bool {
        matches!(self.state, State::Disabled)
    }

    /// Its probes have failed for a week.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(&self.state, State::Paused(pause) if pause.probes >= PROBES_A_WEEK)
    }

    /// Its state for operators.
    pub(super) fn name(&self) -> &'static str {
        match &self.state {
            State::Open => "open",
            State::Paused(pause) if pause.is_blocked => "refused",
            State::Paused(_) => "paused",
            State::Disabled => "disabled",
        }
    }

    /// Why it is not open.
    pub(super) fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// An attempt has ended. `why` it failed is kept if that stops the subscriber.
    pub(super) fn end(&mut self, verdict: Verdict, flight: Flight, why: &str, time: u64) -> Turn {
        if verdict == Verdict::Delivered {
            return self.succeed(time);
        }
        self.is_unsaved = true;
        match &mut self.state {
            State::Open => {}
            State::Paused(_) if flight.is_probe => {}
            // It was under way when the subscriber was paused, and says nothing that is new.
            State::Paused(pause) => {
                if let Verdict::Busy(wait) = verdict {
                    let wait = millis(wait);
                    pause.wait = pause.wait.max(wait);
                    pause.next_probe = pause.next_probe.max(time.saturating_add(wait));
                }
                return Turn::None;
            }
            State::Disabled => return Turn::None,
        }
        self.count(verdict, flight.key);
        if self.gone >= GONE {
            self.state = State::Disabled;
            self.why = Some(why.to_owned());
            return Turn::Disabled;
        }
        if let State::Paused(pause) = &mut self.state {
            pause.probe_failed(verdict, time);
            self.why = Some(why.to_owned());
            return Turn::None;
        }
        if self.must_pause(verdict) {
            self.state = State::Paused(Pause::new(verdict, time));
            self.why = Some(why.to_owned());
            return Turn::Paused;
        }
        Turn::None
    }

    /// Opens it, whatever it was; nothing if it is open.
    pub(super) fn open(&mut self, time: u64) -> Turn {
        match &self.state {
            State::Open => return Turn::None,
            State::Paused(pause) => self.paused_for += time.saturating_sub(pause.since),
            State::Disabled => {}
        }
        self.state = State::Open;
        self.window = 1;
        self.why = None;
        self.failures = 0;
        self.unwelcome.clear();
        self.gone = 0;
        self.is_unsaved = true;
        Turn::Opened {
            healthy_at: self.healthy_at,
        }
    }

    fn succeed(&mut self, time: u64) -> Turn {
        let turn = match self.state {
            // Only its operator, or a POST of it, enables it.
            State::Disabled => return Turn::None,
            State::Paused(_) => self.open(time),
            State::Open => {
                self.window = (self.window + 1).min(IN_FLIGHT);
                Turn::None
            }
        };
        // One that said that it is gone was not open.
        if self.failures > 0 || !self.unwelcome.is_empty() {
            self.failures = 0;
            self.unwelcome.clear();
            self.is_unsaved = true;
        }
        self.healthy_at = Some(self.open_time(time));
        turn
    }

    fn count(&mut self, verdict: Verdict, key: Option<Key>) {
        self.gone = match verdict {
            Verdict::Gone => self.gone.saturating_add(1),
            _ => 0,
        };
        match (verdict, key) {
            (Verdict::Failed | Verdict::Unanswered, _) => {
                self.failures = self.failures.saturating_add(1);
            }
            (Verdict::Unwelcome, Some(key)) if !self.unwelcome.contains(&key) => {
                self.unwelcome.push(key);
                self.unwelcome.truncate(FAILURES as usize);
            }
            _ => {}
        }
    }

    fn must_pause(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Busy(_) | Verdict::Gone | Verdict::Blocked => true,
            Verdict::Unwelcome => self.unwelcome.len() >= FAILURES as usize,
            Verdict::Failed | Verdict::Unanswered => self.failures >= FAILURES,
            Verdict::Delivered => false,
        }
    }
}

impl Pause {
    fn new(verdict: Verdict, time: u64) -> Self {
        let wait = wait(0, verdict);
        Self {
            since: time,
            probes: 0,
            answered: 0,
            wait,
            next_probe: time.saturating_add(wait),
            is_blocked: verdict == Verdict::Blocked,
        }
    }

    fn restored(record: &PauseRecord, now: u64) -> Self {
        Self {
            since: record.since.min(now),
            probes: record.probes,
            answered: record.answered,
            wait: record.wait,
            next_probe: record.next_probe.min(now.saturating_add(record.wait)),
            is_blocked: record.is_blocked,
        }
    }

    fn record(&self, to_host: impl Fn(u64) -> u64) -> PauseRecord {
        PauseRecord {
            since: to_host(self.since),
            probes: self.probes,
            answered: self.answered,
            wait: self.wait,
            next_probe: to_host(self.next_probe),
            is_blocked: self.is_blocked,
        }
    }

    fn probe_failed(&mut self, verdict: Verdict, time: u64) {
        self.probes = self.probes.saturating_add(1);
        self.answered = match verdict.is_answered() {
            true => self.answered.saturating_add(1),
            false => 0,
        };
        self.is_blocked = verdict == Verdict::Blocked;
        self.wait = wait(self.probes, verdict);
        self.next_probe = time.saturating_add(self.wait);
    }
}

/// How long the next probe waits after so many in a row that failed, the last of them with `verdict`.
fn wait(probes: u32, verdict: Verdict) -> u64 {
    let usual = if probes >= PROBES_A_WEEK {
        HOURLY
    } else {
        (1000 << probes.min(6)).min(PROBE_WAIT)
    };
    match verdict {
        Verdict::Busy(wanted) => usual.max(millis(wanted)),
        _ => usual,
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
