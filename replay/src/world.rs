//! The host of a scenario: storage, receivers, security systems and time as a fixture has them.
//!
//! A call takes effect when its function is called; the future that it returns gives the answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;

use crate::fixture::{Doors, PostFailure, Receiver, StorageMode, Unlock, text};

/// One change of a commit.
#[derive(Clone, Debug)]
pub enum Change {
    /// Sets a value.
    Put(String, Vec<u8>),
    /// Removes a record.
    Delete(String),
    /// Sets a value, or refuses the commit if there is one.
    PutIfAbsent(String, Vec<u8>),
}

/// Why a commit was not made.
#[derive(Clone, Debug)]
pub enum CommitError {
    /// This key has a value.
    Exists(String),
    /// It failed, or so it is said.
    Failed(String),
}

/// A POST that a module sends.
#[derive(Clone, Debug)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// In milliseconds.
    pub timeout: u64,
}

/// When scenarios begin: 2026-01-01T00:00:00Z, in milliseconds since 1970.
const BEGINNING: u64 = 1_767_225_600_000;

/// The world of one scenario. Clones are the same world.
#[derive(Clone, Default)]
pub struct World(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Milliseconds since the beginning; it only rises.
    elapsed: u64,
    /// How far the clock that the module sees is off, in milliseconds.
    clock_offset: i64,
    timers: BTreeMap<u64, Vec<oneshot::Sender<()>>>,
    records: BTreeMap<String, Vec<u8>>,
    storage: StorageMode,
    commits: usize,
    receivers: BTreeMap<String, Receiver>,
    refuse: BTreeMap<String, String>,
    posts: VecDeque<Post>,
    systems: BTreeMap<String, Doors>,
    map_fails: bool,
    unlocks: Vec<String>,
    status: BTreeMap<String, String>,
    saved: BTreeMap<String, String>,
    /// Those of `saved` that the player has not seen.
    newly_saved: BTreeMap<String, String>,
    drawn: u64,
}

impl State {
    fn must_be_up(&self) -> Result<(), String> {
        match self.storage {
            StorageMode::IsDown => Err("the disk fails".to_owned()),
            _ => Ok(()),
        }
    }
}

/// What a module may ask.
impl World {
    /// Milliseconds since 1970.
    pub fn now(&self) -> u64 {
        let state = self.state();
        (BEGINNING + state.elapsed).saturating_add_signed(state.clock_offset)
    }

    /// Milliseconds since the scenario began; unlike [`now`](Self::now) it only rises.
    pub fn elapsed(&self) -> u64 {
        self.state().elapsed
    }

    /// Ends after `ms` milliseconds of the world's time.
    pub fn sleep(&self, ms: u64) -> impl Future<Output = ()> + Send + 'static {
        let mut state = self.state();
        let (fire, fired) = oneshot::channel();
        let at = state.elapsed.saturating_add(ms);
        state.timers.entry(at).or_default().push(fire);
        async move {
            // The sender goes away only with the world.
            let _ = fired.await;
        }
    }

    /// Sixteen bytes, different each time. The first is in the middle, so that what is spread by it
    /// is not.
    pub fn random(&self) -> [u8; 16] {
        let mut state = self.state();
        state.drawn += 1;
        let mut bytes = [0; 16];
        bytes[0] = 128;
        bytes[8..].copy_from_slice(&state.drawn.to_be_bytes());
        bytes
    }

    /// The value of `key`; an error if the store is down.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        let state = self.state();
        state.must_be_up()?;
        Ok(state.records.get(key).cloned())
    }

    /// At most `limit` records whose key begins with `prefix` and follows `after`; an error if the
    /// store is down.
    pub fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, String> {
        let state = self.state();
        state.must_be_up()?;
        let from = after.unwrap_or("").max(prefix).to_owned();
        let records = state.records.range(from..);
        let records =
            records.skip_while(|(key, _)| after.is_some_and(|after| key.as_str() <= after));
        let records = records.take_while(|(key, _)| key.starts_with(prefix));
        Ok(records
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    /// All of `changes`, or none.
    pub fn commit(
        &self,
        changes: Vec<Change>,
    ) -> impl Future<Output = Result<(), CommitError>> + Send + 'static {
        let mode = self.state().storage;
        let slow = (mode == StorageMode::IsSlow).then(|| self.sleep(1000));
        let answer = self.apply(mode, changes);
        async move {
            if let Some(slow) = slow {
                slow.await;
            }
            answer
        }
    }

    /// Sends a POST.
    pub fn post(
        &self,
        post: Post,
    ) -> impl Future<Output = Result<(u16, Option<String>), PostFailure>> + Send + 'static {
        let receiver = self
            .state()
            .receivers
            .get(&post.url)
            .cloned()
            .unwrap_or_default();
        let timeout = post.timeout;
        let after = if receiver.fails == Some(PostFailure::Timeout) {
            timeout
        } else {
            receiver.after_ms.min(timeout)
        };
        let is_late = receiver.after_ms > timeout;
        let wait = (after > 0).then(|| self.sleep(after));
        self.state().posts.push_back(post);
        async move {
            if let Some(wait) = wait {
                wait.await;
            }
            match receiver.fails {
                Some(failure) => Err(failure),
                None if is_late => Err(PostFailure::Timeout),
                None => Ok((receiver.status.unwrap_or(200), receiver.retry_after)),
            }
        }
    }

    /// Why the address part of the egress rule refuses `url`, if so.
    pub fn check(&self, url: &str) -> Result<(), String> {
        self.state()
            .refuse
            .get(url)
            .map_or(Ok(()), |why| Err(why.clone()))
    }

    /// The names of the security systems.
    pub fn systems(&self) -> Result<Vec<String>, String> {
        let state = self.state();
        if state.map_fails {
            return Err("the map cannot be read".to_owned());
        }
        Ok(state.systems.keys().cloned().collect())
    }

    /// The doors of one: ids and descriptions.
    pub fn doors(
        &self,
        system: &str,
    ) -> impl Future<Output = Result<Vec<(String, Option<String>)>, String>> + Send + 'static {
        let system = self.state().systems.get(system).cloned();
        let wait = system.as_ref().filter(|system| system.list_after_ms > 0);
        let wait = wait.map(|system| self.sleep(system.list_after_ms));
        async move {
            if let Some(wait) = wait {
                wait.await;
            }
            let system = system.ok_or("there is no such system")?;
            match system.list_fails {
                Some(why) => Err(why),
                None => Ok(system
                    .doors
                    .into_iter()
                    .map(|door| (door.id, door.description))
                    .collect()),
            }
        }
    }

    /// Unlocks a door.
    pub fn unlock(
        &self,
        system: &str,
        door: &str,
        caller: Option<&str>,
    ) -> impl Future<Output = Result<Unlock, String>> + Send + 'static {
        let by = caller.map_or(String::new(), |caller| format!(" by {caller}"));
        let found = {
            let mut state = self.state();
            state.unlocks.push(format!("{system}/{door}{by}"));
            let doors = state.systems.get(system).map(|system| &system.doors);
            doors
                .and_then(|doors| doors.iter().find(|one| one.id == door))
                .cloned()
        };
        let wait = found
            .as_ref()
            .filter(|door| door.after_ms > 0)
            .map(|door| self.sleep(door.after_ms));
        async move {
            if let Some(wait) = wait {
                wait.await;
            }
            match found.ok_or("there is no such door")?.unlock {
                Unlock::Fails => Err("the system fails".to_owned()),
                outcome => Ok(outcome),
            }
        }
    }

    /// Shows a value to operators.
    pub fn set_status(&self, key: &str, json: &str) {
        self.state().status.insert(key.to_owned(), json.to_owned());
    }

    /// Keeps a setting.
    pub fn save_setting(&self, name: &str, json: &str) {
        let mut state = self.state();
        state.saved.insert(name.to_owned(), json.to_owned());
        state.newly_saved.insert(name.to_owned(), json.to_owned());
    }
}

/// What the player, or whoever else drives a module in it, does with it.
impl World {
    /// A world with these security systems.
    pub fn new(systems: BTreeMap<String, Doors>) -> Self {
        Self(Arc::new(Mutex::new(State {
            systems,
            ..State::default()
        })))
    }

    /// Lets time pass until `elapsed` milliseconds after the beginning, or only to the next timer
    /// before. `false` if there was none, and time has come to `elapsed`.
    pub fn advance_to(&self, elapsed: u64) -> bool {
        let mut state = self.state();
        match state.timers.first_key_value() {
            Some((at, _)) if *at <= elapsed => {
                let (at, timers) = state.timers.pop_first().unwrap_or_default();
                state.elapsed = state.elapsed.max(at);
                drop(state);
                for timer in timers {
                    // Whoever slept may have given up.
                    let _ = timer.send(());
                }
                true
            }
            _ => {
                state.elapsed = state.elapsed.max(elapsed);
                false
            }
        }
    }

    /// The clock that the module sees jumps by so many milliseconds.
    pub fn jump_clock(&self, ms: i64) {
        self.state().clock_offset += ms;
    }

    pub(crate) fn set_storage(&self, mode: StorageMode) {
        self.state().storage = mode;
    }

    /// How receivers answer from now on, by URL; those that are not named stay as they are.
    pub fn set_receivers(&self, receivers: &BTreeMap<String, Receiver>) {
        self.state().receivers.extend(receivers.clone());
    }

    pub(crate) fn set_systems(&self, systems: &BTreeMap<String, Doors>) {
        self.state().systems = systems.clone();
    }

    pub(crate) fn set_map_fails(&self, fails: bool) {
        self.state().map_fails = fails;
    }

    pub(crate) fn refuse(&self, refuse: &BTreeMap<String, String>) {
        self.state().refuse.extend(refuse.clone());
    }

    /// Puts records into the store. Text is taken as it is, anything else as compact JSON.
    pub fn put_records(&self, records: &BTreeMap<String, serde_json::Value>) {
        let records = records
            .iter()
            .map(|(key, value)| (key.clone(), text(value).into_bytes()));
        self.state().records.extend(records);
    }

    pub(crate) fn lose_store(&self) {
        self.state().records.clear();
    }

    /// How many commits were made.
    pub fn commits(&self) -> usize {
        self.state().commits
    }

    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.state()
            .records
            .keys()
            .filter(|key| key.starts_with(prefix))
            .count()
    }

    /// The POSTs that were sent since the last call, by URL.
    pub fn take_posts(&self) -> Vec<Post> {
        let mut posts: Vec<_> = self.state().posts.drain(..).collect();
        posts.sort_by(|one, other| one.url.cmp(&other.url));
        posts
    }

    pub(crate) fn take_unlocks(&self) -> Vec<String> {
        let mut unlocks = std::mem::take(&mut self.state().unlocks);
        unlocks.sort();
        unlocks
    }

    pub(crate) fn status(&self, key: &str) -> Option<String> {
        self.state().status.get(key).cloned()
    }

    pub(crate) fn saved(&self, name: &str) -> Option<String> {
        self.state().saved.get(name).cloned()
    }

    pub(crate) fn take_newly_saved(&self) -> BTreeMap<String, String> {
        std::mem::take(&mut self.state().newly_saved)
    }

    fn apply(&self, mode: StorageMode, changes: Vec<Change>) -> Result<(), CommitError> {
        let failed = || Err(CommitError::Failed("the disk fails".to_owned()));
        if matches!(mode, StorageMode::Fails | StorageMode::IsDown) {
            return failed();
        }
        let mut state = self.state();
        // What becomes of the records that the commit names: it may be refused yet.
        let mut after = BTreeMap::new();
        for change in changes {
            match change {
                Change::PutIfAbsent(key, _)
                    if after
                        .get(&key)
                        .map_or_else(|| state.records.contains_key(&key), Option::is_some) =>
                {
                    return Err(CommitError::Exists(key));
                }
                Change::Put(key, value) | Change::PutIfAbsent(key, value) => {
                    after.insert(key, Some(value));
                }
                Change::Delete(key) => {
                    after.insert(key, None);
                }
            }
        }
        for (key, value) in after {
            match value {
                Some(value) => state.records.insert(key, value),
                None => state.records.remove(&key),
            };
        }
        state.commits += 1;
        match mode {
            StorageMode::GoesDown => {
                state.storage = StorageMode::IsDown;
                failed()
            }
            StorageMode::LosesAnswers => failed(),
            _ => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
