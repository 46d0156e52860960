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
        if self.failures > 0 || self.gone > 0 || !self.unwelcome.is_empty() {
            self.failures = 0;
            self.unwelcome.clear();
            self.gone = 0;
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
mod tests {
    use std::time::Duration;

    use super::*;

    const BUSY: Verdict = Verdict::Busy(Duration::ZERO);

    fn key(number: u64) -> Key {
        Key::ZERO.next(number)
    }

    fn end(health: &mut Health, verdict: Verdict, is_probe: bool, time: u64) -> Turn {
        let key = Some(key(time));
        health.end(
            verdict,
            Flight { key, is_probe },
            &format!("{verdict:?}"),
            time,
        )
    }

    fn probe_at(health: &Health) -> u64 {
        match health.gate() {
            Gate::Probe { at, .. } => at,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn eight_failures_in_a_row_pause_and_a_success_between_does_not_let_them() {
        let mut health = Health::default();
        for time in 0..7 {
            assert_eq!(end(&mut health, Verdict::Failed, false, time), Turn::None);
        }
        assert_eq!(end(&mut health, Verdict::Delivered, false, 7), Turn::None);
        for time in 8..15 {
            assert_eq!(
                end(&mut health, Verdict::Unanswered, false, time),
                Turn::None
            );
        }
        assert_eq!(end(&mut health, Verdict::Failed, false, 15), Turn::Paused);
        assert_eq!((health.name(), health.why()), ("paused", Some("Failed")));
    }

    #[test]
    fn one_that_is_busy_is_paused_for_as_long_as_it_wants() {
        let mut health = Health::default();
        let wanted = Verdict::Busy(Duration::from_secs(90));
        assert_eq!(end(&mut health, wanted, false, 1_000), Turn::Paused);
        assert_eq!(probe_at(&health), 91_000);
        end(&mut health, BUSY, true, 91_000);
        assert_eq!(probe_at(&health), 93_000, "the second wait is two seconds");
    }

    #[test]
    fn probes_wait_longer_each_time_up_to_a_minute_and_after_a_week_an_hour() {
        let mut health = Health::default();
        end(&mut health, BUSY, false, 0);
        let mut waits = vec![probe_at(&health)];
        for _ in 0..7 {
            let at = probe_at(&health);
            end(&mut health, Verdict::Unanswered, true, at);
            waits.push(probe_at(&health) - at);
        }
        let seconds = [1, 2, 4, 8, 16, 32, 60, 60].map(|wait| wait * 1000);
        assert_eq!(waits, seconds);
        for _ in 7..PROBES_A_WEEK {
            let at = probe_at(&health);
            end(&mut health, Verdict::Unanswered, true, at);
        }
        let at = probe_at(&health);
        end(&mut health, Verdict::Unanswered, true, at);
        assert_eq!(probe_at(&health) - at, HOURLY);
        assert!(health.is_given_up() && !health.is_disabled());
    }

    #[test]
    fn any_success_opens_it_and_one_more_attempt_may_be_in_flight_after_each() {
        let mut health = Health::default();
        assert_eq!(health.gate(), Gate::Open(32));
        end(&mut health, Verdict::Delivered, false, 5);
        end(&mut health, BUSY, false, 10);
        let opened = end(&mut health, Verdict::Delivered, false, 20);
        let healthy_at = Some(5);
        assert_eq!(opened, Turn::Opened { healthy_at });
        assert_eq!(health.gate(), Gate::Open(1));
        for window in (2..=32).chain([32]) {
            end(&mut health, Verdict::Delivered, false, 30);
            assert_eq!(health.gate(), Gate::Open(window));
        }
    }

    #[test]
    fn open_time_stands_still_while_it_is_paused() {
        let mut health = Health::default();
        assert_eq!(health.open_time(100), 100);
        end(&mut health, BUSY, false, 100);
        assert_eq!(health.open_time(5_000), 100);
        end(&mut health, Verdict::Delivered, true, 5_000);
        assert_eq!(health.open_time(5_001), 101);
    }

    #[test]
    fn the_third_time_in_a_row_that_it_is_gone_disables_it() {
        let mut health = Health::default();
        assert_eq!(end(&mut health, Verdict::Gone, false, 0), Turn::Paused);
        // They were under way together with the first: they are not a second and a third time.
        assert_eq!(end(&mut health, Verdict::Gone, false, 1), Turn::None);
        assert_eq!(end(&mut health, Verdict::Gone, false, 2), Turn::None);
        assert_eq!(end(&mut health, Verdict::Gone, true, 1_000), Turn::None);
        assert_eq!(end(&mut health, Verdict::Failed, true, 3_000), Turn::None);
        assert_eq!(end(&mut health, Verdict::Gone, true, 7_000), Turn::None);
        assert_eq!(end(&mut health, Verdict::Gone, true, 15_000), Turn::None);
        let third = end(&mut health, Verdict::Gone, true, 31_000);
        assert_eq!((third, health.gate()), (Turn::Disabled, Gate::Shut));
        assert_eq!(
            end(&mut health, Verdict::Delivered, false, 32_000),
            Turn::None
        );
        let healthy_at = None;
        assert_eq!(health.open(40_000), Turn::Opened { healthy_at });
    }

    #[test]
    fn eight_deliveries_whose_body_is_not_wanted_mean_the_receiver_and_one_again_and_again_does_not()
     {
        let mut health = Health::default();
        for time in 0..20 {
            let turn = end(&mut health, Verdict::Unwelcome, false, time % 7);
            assert_eq!(turn, Turn::None);
        }
        let eighth = end(&mut health, Verdict::Unwelcome, false, 7);
        assert_eq!(eighth, Turn::Paused);
    }

    #[test]
    fn what_it_was_is_restored_even_if_the_clock_is_another_one() {
        let mut health = Health::default();
        end(&mut health, Verdict::Delivered, false, 86_400_000);
        end(&mut health, Verdict::Gone, false, 86_401_000);
        end(&mut health, Verdict::Gone, true, 86_402_000);
        let record = || health.record(|time| time);
        let later = Health::restored(record(), 86_402_500);
        assert_eq!(probe_at(&later), 86_404_000);
        assert_eq!(later.open_time(86_402_500), 86_401_000);
        let mut earlier = Health::restored(record(), 1_000);
        assert_eq!(probe_at(&earlier), 3_000);
        assert_eq!(
            end(&mut earlier, Verdict::Gone, true, 3_000),
            Turn::Disabled
        );
    }
}
