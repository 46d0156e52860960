//! What surrounds the instances of a module, and outlives them: time, storage, receivers.
//!
//! One thing happens at a time. Storage answers each instance in the order in which it asked, as
//! the driver may rely on.

use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fastrand::Rng;
use futures_channel::oneshot;
use rhombus_driver::door::UnlockOutcome;
use rhombus_driver::host::{Change, CommitError, Post, PostAnswer, PostFailure, StorageFailed};

use crate::agenda::{Agenda, Due};
use crate::fact::{AttemptId, Fact, Instance, Url};
use crate::receiver::{Mood, Reply};
use crate::store::Store;
use crate::time::{Clock, MINUTE, Moment, SECOND};
use crate::witness::Witness;

/// The doors of the building.
pub(crate) const DOORS: [&str; 5] = ["lobby", "gate", "42", "Lift «B»", "dock"];

/// Host calls in one millisecond beyond which the driver runs in circles.
const BUSY_LOOP: u64 = 2_000_000;

pub(crate) type Answered<T> = oneshot::Receiver<T>;
type Records = Vec<(String, Vec<u8>)>;
type Posted = Result<PostAnswer, PostFailure>;

/// A world. Its methods take effect at once; what they return gives the answer when it is there.
pub(crate) struct World(RefCell<State>);

/// What a world is made of.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) agenda: Agenda,
    pub(crate) store: Store,
    pub(crate) moods: BTreeMap<Url, Mood>,
    pub(crate) witness: Witness,
    /// Settings that the driver has saved and nobody has fetched yet.
    pub(crate) saved: Vec<String>,
    /// Of a hundred savings of a setting, how many fail.
    pub(crate) saves_fail: u8,
    /// What the world draws.
    rng: Rng,
    /// What the driver draws.
    driver_rng: Rng,
    lives: BTreeMap<Instance, Life>,
    flights: BTreeMap<AttemptId, Flight>,
    attempts: u32,
    /// Host calls in this millisecond, and in this minute.
    host_calls: (u64, u64),
}

/// An instance that lives.
#[derive(Default)]
struct Life {
    /// It is killed instead of making the host call after so many.
    calls_left: Option<u32>,
    /// What it has asked storage for, oldest first.
    asked: VecDeque<Asked>,
    /// When storage has done all of that.
    storage_busy_until: u64,
}

enum Asked {
    Get(
        String,
        oneshot::Sender<Result<Option<Vec<u8>>, StorageFailed>>,
    ),
    Scan {
        prefix: String,
        after: Option<String>,
        limit: usize,
        answer: oneshot::Sender<Result<Records, StorageFailed>>,
    },
    Commit(Vec<Change>, oneshot::Sender<Result<(), CommitError>>),
}

/// A POST under way.
struct Flight {
    instance: Instance,
    /// `None` once the driver has its answer, or wants none any more.
    answer: Option<oneshot::Sender<Posted>>,
    result: Posted,
    /// The receiver will give a 2xx.
    will_be_taken: bool,
}

/// What a module may ask.
impl World {
    pub(crate) fn get(
        &self,
        by: Instance,
        key: &str,
    ) -> Option<Answered<Result<Option<Vec<u8>>, StorageFailed>>> {
        let (answer, answered) = oneshot::channel();
        self.enter(by)?.ask(by, Asked::Get(key.to_owned(), answer));
        Some(answered)
    }

    pub(crate) fn scan(
        &self,
        by: Instance,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Option<Answered<Result<Records, StorageFailed>>> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked::Scan {
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
            limit: limit as usize,
            answer,
        };
        self.enter(by)?.ask(by, asked);
        Some(answered)
    }

    pub(crate) fn commit(
        &self,
        by: Instance,
        changes: Vec<Change>,
    ) -> Option<Answered<Result<(), CommitError>>> {
        let (answer, answered) = oneshot::channel();
        self.enter(by)?.ask(by, Asked::Commit(changes, answer));
        Some(answered)
    }

    /// Sends a POST, and names it.
    pub(crate) fn post(&self, by: Instance, post: &Post) -> Option<(AttemptId, Answered<Posted>)> {
        let mut state = self.enter(by)?;
        let state = &mut *state;
        let attempt = AttemptId(state.attempts);
        state.attempts += 1;
        let now = state.clock.now();
        let fact = Fact::Attempt {
            attempt,
            instance: by,
            post,
        };
        state.witness.see(now, &fact);
        let mut healthy = Mood::Healthy;
        let mood = state.moods.get_mut(post.url.as_str());
        let reply = mood
            .unwrap_or(&mut healthy)
            .reply(post, now.wall, &mut state.rng);
        let will_be_taken = reply.takes();
        let Reply { after, result } = reply;
        let timeout = milliseconds(post.timeout);
        if will_be_taken {
            let at = now.elapsed.saturating_add(after);
            state.agenda.plan(at, Due::Taken(attempt));
        }
        let answer_at = now.elapsed + after.min(timeout);
        state.agenda.plan(answer_at, Due::Answer(attempt));
        let (answer, answered) = oneshot::channel();
        let flight = Flight {
            instance: by,
            answer: Some(answer),
            result: if after > timeout {
                Err(PostFailure::Timeout)
            } else {
                result
            },
            will_be_taken,
        };
        state.flights.insert(attempt, flight);
        Some((attempt, answered))
    }

    /// The driver does not wait for a POST any more.
    pub(crate) fn drop_attempt(&self, attempt: AttemptId) {
        self.state().drop_attempt(attempt);
    }

    pub(crate) fn sleep(&self, by: Instance, duration: Duration) -> Option<Answered<()>> {
        let mut state = self.enter(by)?;
        let (wake, woken) = oneshot::channel();
        let at = state.now().elapsed.saturating_add(milliseconds(duration));
        state.agenda.plan(at, Due::Wake(wake));
        Some(woken)
    }

    /// Asks the security system to unlock a door: what it answers, and when.
    pub(crate) fn unlock(
        &self,
        by: Instance,
        door: &str,
    ) -> Option<(Result<UnlockOutcome, String>, Answered<()>)> {
        let mut state = self.enter(by)?;
        state.see(&Fact::Asked { instance: by, door });
        let outcome = match state.rng.u8(..8) {
            0 => Ok(UnlockOutcome::Refused),
            1 => Ok(UnlockOutcome::Unsupported),
            2 => Err("it fails".to_owned()),
            _ => Ok(UnlockOutcome::Unlocked),
        };
        let longest = [SECOND, 20 * SECOND][state.rng.usize(..2)];
        let after = state.rng.u64(..longest);
        let (wake, woken) = oneshot::channel();
        let at = state.now().elapsed.saturating_add(after);
        state.agenda.plan(at, Due::Wake(wake));
        Some((outcome, woken))
    }

    pub(crate) fn set_status(&self, by: Instance, key: &str, json: &str) {
        let mut state = self.count_call();
        if state.lives.contains_key(&by) {
            state.see(&Fact::Status {
                instance: by,
                key,
                json,
            });
        }
    }

    /// Keeps a setting; `Some` if the instance lives.
    pub(crate) fn save_setting(&self, by: Instance, json: &str) -> Option<Result<(), String>> {
        let mut state = self.enter(by)?;
        if state.rng.u8(..100) < state.saves_fail {
            return Some(Err("core does not answer".to_owned()));
        }
        state.see(&Fact::Saved(json));
        state.saved.push(json.to_owned());
        Some(Ok(()))
    }

    /// Milliseconds since 1970.
    pub(crate) fn wall(&self) -> u64 {
        self.count_call().now().wall
    }

    pub(crate) fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.count_call().driver_rng.fill(&mut bytes);
        bytes
    }

    /// Whether `by` lives, for a call that changes nothing.
    pub(crate) fn is_alive(&self, by: Instance) -> bool {
        self.enter(by).is_some()
    }

    /// The state, if the instance that makes this call lives. It may have to die instead.
    fn enter(&self, by: Instance) -> Option<RefMut<'_, State>> {
        let mut state = self.count_call();
        let life = state.lives.get_mut(&by)?;
        match &mut life.calls_left {
            Some(0) => {
                state.kill(by, "killed between two host calls");
                return None;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        Some(state)
    }

    fn count_call(&self) -> RefMut<'_, State> {
        let mut state = self.0.borrow_mut();
        state.host_calls.0 += 1;
        state.host_calls.1 += 1;
        assert!(
            state.host_calls.0 < BUSY_LOOP,
            "the driver makes host calls without end, and time does not pass"
        );
        state
    }
}

/// What the site does with it.
impl World {
    pub(crate) fn new(witness: Witness, mut rng: Rng) -> Self {
        Self(RefCell::new(State {
            clock: Clock::default(),
            agenda: Agenda::default(),
            store: Store::default(),
            moods: BTreeMap::new(),
            witness,
            saved: Vec::new(),
            saves_fail: 0,
            driver_rng: rng.fork(),
            rng,
            lives: BTreeMap::new(),
            flights: BTreeMap::new(),
            attempts: 0,
            host_calls: (0, 0),
        }))
    }

    pub(crate) fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }
}

impl State {
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(crate) fn see(&mut self, fact: &Fact<'_>) {
        self.witness.see(self.clock.now(), fact);
    }

    /// Starts an instance, which takes the module over.
    pub(crate) fn start(&mut self, instance: Instance) {
        self.lives.insert(instance, Life::default());
        self.store.owner = Some(instance);
        self.see(&Fact::Started(instance));
    }

    pub(crate) fn lives(&self, instance: Instance) -> bool {
        self.lives.contains_key(&instance)
    }

    /// Has an instance killed instead of making the host call after `calls` more.
    pub(crate) fn kill_after(&mut self, instance: Instance, calls: u32) {
        if let Some(life) = self.lives.get_mut(&instance) {
            life.calls_left = Some(calls);
        }
    }

    /// Lets an instance live on that was to be killed.
    pub(crate) fn live_on(&mut self, instance: Instance) {
        if let Some(life) = self.lives.get_mut(&instance) {
            life.calls_left = None;
        }
    }

    /// Ends an instance. Of the commits under way, the first few may be made; of the POSTs under
    /// way, some reach their receivers.
    pub(crate) fn kill(&mut self, instance: Instance, how: &str) {
        let Some(life) = self.lives.remove(&instance) else {
            return;
        };
        let commits = life.asked.into_iter().filter_map(|asked| match asked {
            Asked::Commit(changes, _) => Some(changes),
            Asked::Get(..) | Asked::Scan { .. } => None,
        });
        let commits: Vec<_> = commits.collect();
        let made = self.rng.usize(..=commits.len());
        for changes in commits.into_iter().take(made) {
            if self.store.refusal(instance, &changes).is_none() {
                self.make(instance, changes, false);
            }
        }
        let flights = self.flights.iter();
        let dropped: Vec<_> = flights
            .filter(|(_, flight)| flight.instance == instance)
            .map(|(attempt, _)| *attempt)
            .collect();
        for attempt in dropped {
            self.drop_attempt(attempt);
        }
        self.see(&Fact::Ended { instance, how });
    }

    /// What comes next, if it comes before `until`; time passes up to it.
    pub(crate) fn next(&mut self, until: u64) -> Option<Due> {
        let next = self.agenda.next(until);
        let at = next.as_ref().map_or(until, |(at, _)| *at);
        let before = self.clock.now().elapsed;
        if at > before {
            self.host_calls.0 = 0;
        }
        self.clock.pass_to(at);
        if at / MINUTE > before / MINUTE {
            let host_calls = std::mem::take(&mut self.host_calls.1);
            self.see(&Fact::Minute { host_calls });
        }
        next.map(|(_, due)| due)
    }

    /// Storage gets to the oldest call of an instance.
    pub(crate) fn serve(&mut self, instance: Instance) {
        let life = self.lives.get_mut(&instance);
        let Some(asked) = life.and_then(|life| life.asked.pop_front()) else {
            return;
        };
        let reads_fail = self.rng.u8(..100) < self.store.weather.reads_fail;
        let failed = || StorageFailed("the disk fails".to_owned());
        // Whoever asked may not wait any more.
        match asked {
            Asked::Get(_, answer) if reads_fail => drop(answer.send(Err(failed()))),
            Asked::Get(key, answer) => drop(answer.send(Ok(self.store.get(&key).cloned()))),
            Asked::Scan { answer, .. } if reads_fail => drop(answer.send(Err(failed()))),
            Asked::Scan {
                prefix,
                after,
                limit,
                answer,
            } => {
                let page = self.store.scan(&prefix, after.as_deref(), limit);
                drop(answer.send(Ok(page)));
            }
            Asked::Commit(changes, answer) => {
                let told = self.try_commit(instance, changes);
                drop(answer.send(told));
            }
        }
    }

    /// A receiver takes an event.
    pub(crate) fn take(&mut self, attempt: AttemptId) {
        let Some(flight) = self.flights.get_mut(&attempt) else {
            return;
        };
        if std::mem::take(&mut flight.will_be_taken) {
            self.see(&Fact::Taken(attempt));
        }
        self.forget_if_over(attempt);
    }

    /// An attempt's result reaches the driver.
    pub(crate) fn answer(&mut self, attempt: AttemptId) {
        let Some(flight) = self.flights.get_mut(&attempt) else {
            return;
        };
        if let Some(answer) = flight.answer.take() {
            let result = flight.result.clone();
            let now = self.clock.now();
            let fact = Fact::Result {
                attempt,
                result: &result,
            };
            self.witness.see(now, &fact);
            // Whoever sent it may not wait any more.
            drop(answer.send(result));
        }
        self.forget_if_over(attempt);
    }

    fn ask(&mut self, by: Instance, asked: Asked) {
        let latency = self.rng.u64(self.store.weather.latency.clone());
        let now = self.clock.now().elapsed;
        let Some(life) = self.lives.get_mut(&by) else {
            return;
        };
        life.storage_busy_until = life.storage_busy_until.max(now + latency);
        life.asked.push_back(asked);
        self.agenda.plan(life.storage_busy_until, Due::Storage(by));
    }

    fn try_commit(&mut self, by: Instance, changes: Vec<Change>) -> Result<(), CommitError> {
        let weather = &self.store.weather;
        let (fails, loses) = (weather.commits_fail, weather.answers_lost);
        let drawn = self.rng.u8(..100);
        let failed = || CommitError::Failed("the disk fails".to_owned());
        let refusal = match self.store.refusal(by, &changes) {
            None if drawn < fails => Some(failed()),
            refusal => refusal,
        };
        if let Some(why) = refusal {
            self.see(&Fact::NotCommitted {
                instance: by,
                why: &why,
            });
            return Err(why);
        }
        let told = drawn - fails >= loses;
        self.make(by, changes, told);
        if told { Ok(()) } else { Err(failed()) }
    }

    fn make(&mut self, by: Instance, changes: Vec<Change>, told: bool) {
        self.see(&Fact::Committed {
            instance: by,
            changes: &changes,
            told,
        });
        self.store.apply(changes);
    }

    /// Nobody waits for an attempt any more. If its connection broke early, nobody takes it either.
    fn drop_attempt(&mut self, attempt: AttemptId) {
        let Some(flight) = self.flights.get_mut(&attempt) else {
            return;
        };
        flight.will_be_taken &= self.rng.bool();
        if flight.answer.take().is_some() {
            self.see(&Fact::Dropped(attempt));
        }
        self.forget_if_over(attempt);
    }

    fn forget_if_over(&mut self, attempt: AttemptId) {
        let is_over = self
            .flights
            .get(&attempt)
            .is_some_and(|flight| flight.answer.is_none() && !flight.will_be_taken);
        if is_over {
            self.flights.remove(&attempt);
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
