//! A random history: what happens to a site over hours or days, all of it from one seed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;
use rhombus_driver::host::PostFailure;
use serde_json::{Value, json};

use crate::event::Writing;
use crate::fact::EventNumber;
use crate::receiver::{Mood, RetryAfter};
use crate::site::Site;
use crate::store::Weather;
use crate::time::{DAY, HOUR, MINUTE, SECOND};
use crate::world::DOORS;

/// The addresses that histories know: on three hosts.
const URLS: [&str; 6] = [
    "https://one.example/hook/aaaa",
    "https://one.example/hook/bbbb",
    "https://two.example/hook/cccc",
    "https://two.example/hook/dddd",
    "https://three.example/hook/eeee",
    "https://three.example/hook/ffff",
];
const HOSTS: [&str; 3] = ["one.example", "two.example", "three.example"];
const SECRETS: [&str; 4] = [
    "123456",
    "another secret",
    "whsec_bXkgdmVyeSBvd24gc2VjcmV0",
    "  ",
];

/// A history that broke a law, or in which the driver panicked.
#[derive(Debug)]
pub struct Broken {
    /// The seed that replays it.
    pub seed: u64,
    /// Which law, when and how.
    pub what: String,
}

/// How much happened in a history.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    /// Door events.
    pub events: usize,
    /// Attempts to deliver them.
    pub attempts: usize,
    /// Lives of the driver.
    pub instances: usize,
    /// How long it took, in milliseconds of its own time.
    pub elapsed: u64,
}

/// Runs the history of `seed`.
///
/// # Errors
///
/// It broke a law.
pub fn run(seed: u64) -> Result<Measure, Broken> {
    guarded(seed, || {
        let mut history = History::begin(seed, false);
        history.run()?;
        Ok(history.site.measure())
    })
}

/// Runs the history of `seed`, and tells all that happened, and what came of it.
pub fn trace(seed: u64) -> (String, Result<Measure, Broken>) {
    let mut trace = String::new();
    let outcome = guarded(seed, || {
        let mut history = History::begin(seed, true);
        let outcome = catch_unwind(AssertUnwindSafe(|| history.run()));
        trace = history.site.trace().unwrap_or_default();
        match outcome {
            Ok(outcome) => outcome.map(|()| history.site.measure()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    (trace, outcome)
}

fn guarded(seed: u64, run: impl FnOnce() -> Result<Measure, String>) -> Result<Measure, Broken> {
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let outcome = outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        Err(format!("a panic: {}", text.unwrap_or("without a text")))
    });
    outcome.map_err(|what| Broken { seed, what })
}

struct History {
    site: Site,
    rng: Rng,
    /// What may happen, as often as it is in here.
    steps: Vec<Step>,
    /// How long to wait between steps, as often as it is in here; in milliseconds.
    waits: Vec<std::ops::Range<u64>>,
    doors: usize,
    urls: usize,
    /// Settings that have been current once.
    old_settings: Vec<String>,
}

/// Something that may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Event,
    Burst,
    Repeat,
    OddEvent,
    Post,
    Delete,
    Put,
    List,
    Egress,
    OldSettings,
    BadSettings,
    Mood,
    Heal,
    Storage,
    Jump,
    Kill,
    KillSoon,
    Trap,
    Restart,
    Move,
    LoseStore,
    Operate,
}

impl History {
    fn begin(seed: u64, is_traced: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let site = Site::begin(rng.u64(..), &URLS, is_traced);
        let mut steps = Vec::new();
        let mut add = |step, times| steps.extend(std::iter::repeat_n(step, times));
        add(Step::Event, 16);
        add(Step::Burst, 4);
        add(Step::Post, 3);
        add(Step::Heal, 3);
        // Each history has some of the troubles only, or one would hide another.
        for step in [
            Step::Repeat,
            Step::OddEvent,
            Step::Delete,
            Step::Put,
            Step::List,
            Step::Egress,
            Step::OldSettings,
            Step::BadSettings,
            Step::Storage,
            Step::Jump,
            Step::Kill,
            Step::KillSoon,
            Step::Trap,
            Step::Restart,
            Step::Move,
            Step::Operate,
        ] {
            add(step, [0, 0, 1, 4][rng.usize(..4)]);
        }
        add(Step::Mood, [0, 2, 8, 16][rng.usize(..4)]);
        add(Step::LoseStore, [0, 0, 0, 1][rng.usize(..4)]);
        let minutes = [0..1, 0..1, 1..100, 1..100, 100..3 * SECOND, SECOND..MINUTE];
        let hours = [MINUTE..10 * MINUTE, 10 * MINUTE..2 * HOUR];
        let days = [HOUR..12 * HOUR, 12 * HOUR..DAY];
        let mut waits = minutes.to_vec();
        match rng.u8(..10) {
            0..5 => {}
            5..9 => waits.extend(hours),
            _ => waits.extend(hours.into_iter().chain(days)),
        }
        Self {
            site,
            doors: rng.usize(1..=DOORS.len()),
            urls: rng.usize(1..=URLS.len()),
            rng,
            steps,
            waits,
            old_settings: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<(), String> {
        let told = |violation: crate::Violation| violation.to_string();
        for _ in 0..self.rng.usize(30..200) {
            let step = self.steps[self.rng.usize(..self.steps.len())];
            self.step(step);
            let wait = self.waits[self.rng.usize(..self.waits.len())].clone();
            let wait = self.rng.u64(wait);
            self.site.pass(wait);
            self.site.check().map_err(told)?;
            if self.site.now().elapsed > 4 * DAY {
                break;
            }
        }
        self.site.finish().map_err(told)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Event => {
                let door = self.door();
                self.site.event(door);
            }
            Step::Burst => {
                let one_door = self.rng.bool().then(|| self.door());
                for _ in 0..self.rng.usize(2..30) {
                    let door = one_door.unwrap_or_else(|| self.door());
                    self.site.event(door);
                }
            }
            Step::Repeat => {
                let known = self.site.measure().events;
                if known > 0 {
                    let event = EventNumber(self.rng.usize(known.saturating_sub(10)..known));
                    self.site.offer_again(event);
                }
            }
            Step::OddEvent => {
                let door = self.door();
                let writing = [
                    Writing::Milliseconds,
                    Writing::Text,
                    Writing::Undated,
                    Writing::Unreadable,
                ][self.rng.usize(..4)];
                // One without an id cannot be offered again, or it would be another.
                let is_named = self.rng.bool();
                self.site.event_as(door, writing, is_named, true);
            }
            Step::Post => {
                let url = self.url();
                let secret = self.rng.bool().then(|| self.secret());
                self.site.post(url, secret);
            }
            Step::Delete => {
                let url = self.url();
                self.site.delete(url);
            }
            Step::Put => {
                let door = self.door();
                for _ in 0..self.rng.usize(1..4) {
                    self.site.put(door);
                }
            }
            Step::List => self.list(),
            Step::Egress => {
                let mut hosts: Vec<Value> = HOSTS.iter().map(|host| json!(host)).collect();
                if self.rng.bool() {
                    hosts.remove(self.rng.usize(..3));
                }
                self.set("allowed_hosts", hosts.into());
            }
            Step::OldSettings => {
                if !self.old_settings.is_empty() {
                    let old = self.rng.usize(..self.old_settings.len());
                    let after = self.rng.u64(0..10 * SECOND);
                    let settings = self.old_settings[old].clone();
                    self.site.update_later(settings, after);
                }
            }
            Step::BadSettings => self.bad_settings(),
            Step::Mood => {
                let url = self.url();
                let mood = self.mood();
                self.site.mood(url, mood);
            }
            Step::Heal => {
                let url = self.url();
                self.site.mood(url, Mood::Healthy);
                if self.rng.bool() {
                    self.site.storage(Weather::default());
                    self.site.saves_fail(0);
                }
            }
            Step::Storage => {
                let weather = self.weather();
                let lasts = self.rng.u64(SECOND..15 * MINUTE);
                self.site.storage_for(weather, lasts);
                self.site.saves_fail([0, 50, 100][self.rng.usize(..3)]);
            }
            Step::Jump => {
                let by = [SECOND, 10 * MINUTE, 3 * HOUR, 2 * DAY][self.rng.usize(..4)];
                let by = i64::try_from(self.rng.u64(1..by)).unwrap_or_default();
                match self.rng.u8(..3) {
                    0 => self.site.jump(by),
                    1 => self.site.jump(-by),
                    _ => self.site.set_clock_right(),
                }
            }
            Step::Kill => self.site.kill(),
            Step::KillSoon => {
                let calls = [3, 20, 200][self.rng.usize(..3)];
                let calls = self.rng.u32(0..calls);
                self.site.kill_after(calls);
            }
            Step::Trap => self.site.trap(),
            Step::Restart => self.site.restart(),
            Step::Move => self.site.move_module(),
            Step::LoseStore => self.site.lose_store(),
            Step::Operate => self.operate(),
        }
    }

    fn operate(&mut self) {
        let url = self.url();
        let (function, arguments) = match self.rng.u8(..8) {
            0..2 => ("enable", json!({})),
            2..4 => ("send_test_event", json!({})),
            4..6 => ("redeliver", json!({})),
            6 => ("discard", json!({})),
            _ => ("discard", json!({ "state": "pending" })),
        };
        self.site.operate(function, Some(url), arguments);
    }

    fn list(&mut self) {
        let mut list = Vec::new();
        for _ in 0..self.rng.usize(..4) {
            let mut entry = json!({ "webhook": self.url() });
            match self.rng.u8(..4) {
                0 => {}
                1 => entry["secret"] = json!(4711),
                _ => entry["secret"] = json!(self.secret()),
            }
            list.push(entry);
        }
        if self.rng.u8(..5) == 0 {
            // Nobody can read it, and it is in nobody's way.
            list.push(json!({ "webhook": "no address" }));
        }
        self.set("subscriptions", list.into());
    }

    fn bad_settings(&mut self) {
        let allowed = self.site.setting("allowed_hosts").cloned();
        let allowed = allowed.unwrap_or_default();
        let settings = match self.rng.u8(..5) {
            0 => "{}".to_owned(),
            1 => "not JSON".to_owned(),
            2 => "[]".to_owned(),
            3 => json!({ "subscriptions": "nobody", "allowed_hosts": allowed }).to_string(),
            _ => json!({ "subscriptions": [], "allowed_hosts": true }).to_string(),
        };
        let after = self.rng.u64(0..10 * SECOND);
        self.site.update_later(settings, after);
    }

    fn set(&mut self, name: &str, value: Value) {
        self.old_settings.push(self.site.merged_settings());
        let after = match self.rng.u8(..4) {
            0 => 0,
            1 => self.rng.u64(0..MINUTE),
            _ => self.rng.u64(0..SECOND),
        };
        self.site.set_later(name, value, after);
    }

    fn mood(&mut self) -> Mood {
        let busy = [429, 503][self.rng.usize(..2)];
        let refused = [400, 413, 422][self.rng.usize(..3)];
        let failing = [500, 502, 504, 404, 401, 301, 307][self.rng.usize(..7)];
        match self.rng.u8(..16) {
            0 => Mood::Slow(100..=9 * SECOND),
            1 => Mood::Slow(5 * SECOND..=20 * SECOND),
            2 => Mood::Always(500),
            3 => Mood::Always(failing),
            4 => Mood::Always(refused),
            5 => Mood::Refuses(refused, format!("\"{}\"", self.door())),
            6 => {
                let events = self.site.measure().events;
                Mood::Refuses(refused, format!("\"card-{}\"", self.rng.usize(..=events)))
            }
            7 => Mood::Busy(busy, RetryAfter::Absent),
            8 => Mood::Busy(busy, RetryAfter::Seconds(self.rng.u32(0..7200))),
            9 => Mood::Busy(busy, RetryAfter::Date(self.rng.u32(0..300))),
            10 => Mood::Busy(busy, RetryAfter::Garbage),
            11 => Mood::Gone([1, 1, 2, 3, 5][self.rng.usize(..5)]),
            12 => Mood::Flaky(self.rng.u8(5..90)),
            13 => Mood::Hangs,
            14 => Mood::Unreachable(PostFailure::Refused("refused".to_owned())),
            _ => Mood::Unreachable(
                [
                    PostFailure::Dns("no such name".to_owned()),
                    PostFailure::Tls("expired".to_owned()),
                    PostFailure::Blocked("a private address".to_owned()),
                    PostFailure::TooLarge,
                ][self.rng.usize(..4)]
                .clone(),
            ),
        }
    }

    fn weather(&mut self) -> Weather {
        let healthy = Weather::default();
        match self.rng.u8(..6) {
            0 => Weather {
                latency: 0..=5 * SECOND,
                ..healthy
            },
            1 => Weather {
                commits_fail: 100,
                reads_fail: 100,
                ..healthy
            },
            2 => Weather {
                answers_lost: 100,
                ..healthy
            },
            3 => Weather {
                reads_fail: 50,
                ..healthy
            },
            _ => Weather {
                latency: 0..=500,
                commits_fail: self.rng.u8(..40),
                answers_lost: self.rng.u8(..40),
                reads_fail: self.rng.u8(..40),
            },
        }
    }

    fn door(&mut self) -> &'static str {
        DOORS[self.rng.usize(..self.doors)]
    }

    fn url(&mut self) -> &'static str {
        URLS[self.rng.usize(..self.urls)]
    }

    fn secret(&mut self) -> &'static str {
        SECRETS[self.rng.usize(..SECRETS.len())]
    }
}
