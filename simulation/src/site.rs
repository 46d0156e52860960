//! A site: the driver, and what a slot and core do around it. Histories and scenarios act on this.

use std::collections::BTreeMap;
use std::rc::Rc;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::agenda::{Due, Errand};
use crate::event::{Event, Writing};
use crate::fact::{Answer, Call, CallId, EventNumber, Fact, Instance, Url};
use crate::history::Measure;
use crate::node::Node;
use crate::receiver::Mood;
use crate::store::Weather;
use crate::time::{DAY, MINUTE, Moment, SECOND};
use crate::witness::{Violation, Witness};
use crate::world::World;

/// A module on its site.
pub struct Site {
    world: Rc<World>,
    current: Option<Node>,
    /// The instance that the current one took the module over from, while it lives.
    old: Option<Node>,
    rng: Rng,
    /// What the operator has set.
    settings: Map<String, Value>,
    /// What the driver has saved, as core has it.
    saved: Option<Value>,
    /// Events that nobody has been told of, and how each is to be offered.
    unanswered: BTreeMap<EventNumber, Offer>,
    under_way: BTreeMap<CallId, (Instance, Call)>,
    answers: BTreeMap<CallId, Answer>,
    calls: u32,
    instances: u32,
    /// How long a slot waits before it loads another instance.
    pause: u64,
}

/// How an event is offered.
#[derive(Clone, Copy, Debug, Default)]
struct Offer {
    times: u32,
    /// The module has failed on it: it is to be kept unread.
    is_set_aside: bool,
    /// It has an id. One without cannot be offered again, or it would be another.
    is_named: bool,
    /// If it fails often enough, its sender gives up.
    is_given_up: bool,
}

/// An event that a receiver has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// When, in milliseconds since the beginning.
    pub at: u64,
    /// Which.
    pub event: EventNumber,
}

/// What a test does.
impl Site {
    /// A site that knows these addresses, all of them permitted and healthy, none subscribed, with an
    /// empty store. The driver is loaded.
    pub fn new(seed: u64, urls: &[&str]) -> Self {
        Self::begin(seed, urls, false)
    }

    pub(crate) fn begin(seed: u64, urls: &[&str], is_traced: bool) -> Self {
        let urls: Vec<Url> = urls.iter().map(|url| Url::from(*url)).collect();
        let mut rng = Rng::with_seed(seed);
        let world = World::new(Witness::of(&urls, is_traced), rng.fork());
        let moods = urls.iter().map(|url| (url.clone(), Mood::Healthy));
        world.state().moods = moods.collect();
        let mut settings = Map::new();
        let hosts = urls.iter().map(|url| Value::from(host_of(url)));
        settings.insert("allowed_hosts".to_owned(), hosts.collect());
        let mut site = Self {
            world: Rc::new(world),
            current: None,
            old: None,
            rng,
            settings,
            saved: None,
            unanswered: BTreeMap::new(),
            under_way: BTreeMap::new(),
            answers: BTreeMap::new(),
            calls: 0,
            instances: 0,
            pause: SECOND,
        };
        site.load();
        site.settle();
        site
    }

    /// Lets time pass, and all that happens in it.
    pub fn pass(&mut self, milliseconds: u64) {
        let until = self.now().elapsed + milliseconds;
        loop {
            self.settle();
            if self.world.state().witness.violation.is_some() {
                return;
            }
            let next = self.world.state().next(until);
            match next {
                None => return,
                Some(Due::Wake(wake)) => drop(wake.send(())),
                Some(Due::Storage(instance)) => self.world.state().serve(instance),
                Some(Due::Taken(attempt)) => self.world.state().take(attempt),
                Some(Due::Answer(attempt)) => self.world.state().answer(attempt),
                Some(Due::Errand(errand)) => self.run_errand(errand),
            }
        }
    }

    /// When it is.
    pub fn now(&self) -> Moment {
        self.world.state().now()
    }

    /// Something happens at a door.
    pub fn event(&mut self, door: &str) -> EventNumber {
        self.event_as(door, Writing::Seconds, true, false)
    }

    /// As [`event`](Self::event), but written and offered in this way.
    pub(crate) fn event_as(
        &mut self,
        door: &str,
        writing: Writing,
        is_named: bool,
        is_given_up: bool,
    ) -> EventNumber {
        let number = {
            let mut state = self.world.state();
            let number = state.witness.ledger.events.len();
            let id = is_named.then(|| match number % 7 {
                // Of no shape that Standard Webhooks allow.
                3 => format!("door.{number}"),
                _ => format!("evt_{number}"),
            });
            let now = state.now().wall / SECOND;
            let event = Event::new(number, door, id, now, writing);
            state.witness.ledger.add_event(event)
        };
        let offer = Offer {
            is_named,
            is_given_up,
            ..Offer::default()
        };
        self.unanswered.insert(number, offer);
        self.offer(number);
        number
    }

    /// Offers an event once more, as a host does that has lost an answer.
    pub fn offer_again(&mut self, event: EventNumber) {
        let is_named = self.world.state().witness.ledger.events[event.0]
            .id
            .is_some();
        let offer = Offer {
            is_named,
            ..Offer::default()
        };
        if is_named {
            self.unanswered.entry(event).or_insert(offer);
            self.offer(event);
        }
    }

    /// Subscribes. `None` if no instance is there to be asked.
    pub fn post(&mut self, url: &str, secret: Option<&str>) -> Option<CallId> {
        let secret = secret.map(str::to_owned);
        self.request(Call::Post {
            url: url.into(),
            secret,
        })
    }

    /// Unsubscribes. `None` if no instance is there to be asked.
    pub fn delete(&mut self, url: &str) -> Option<CallId> {
        self.request(Call::Delete { url: url.into() })
    }

    /// Calls a function of an operator's, about the subscription of `url` if there is one.
    /// `arguments` has all others.
    pub fn operate(
        &mut self,
        function: &'static str,
        url: Option<&str>,
        arguments: Value,
    ) -> Option<CallId> {
        let mut arguments = arguments;
        if let Some(url) = url {
            let sub = self.world.state().witness.ledger.sub_at(url)?;
            arguments["subscription"] = sub.to_string().into();
        }
        self.request(Call::Operate {
            function,
            url: url.map(Url::from),
            arguments: arguments.to_string(),
        })
    }

    /// What a call was answered, if it was.
    pub fn answer(&self, call: CallId) -> Option<&Answer> {
        self.answers.get(&call)
    }

    /// Sets one of the operator's settings, and brings the module all of them now.
    pub fn set(&mut self, name: &str, value: Value) {
        self.settings.insert(name.to_owned(), value);
        let settings = self.merged_settings();
        self.update(settings);
    }

    /// Brings settings to the module, whatever they are.
    pub fn update(&mut self, settings: String) {
        self.call_current(Call::Update(settings));
        self.settle();
    }

    /// How a receiver is from now on.
    pub fn mood(&mut self, url: &str, mood: Mood) {
        let mut state = self.world.state();
        state.see(&Fact::World(&format!("{url} is {mood:?}")));
        state.moods.insert(url.into(), mood);
    }

    /// How storage does from now on.
    pub fn storage(&mut self, weather: Weather) {
        let mut state = self.world.state();
        state.see(&Fact::World(&format!("storage is {weather:?}")));
        state.store.weather = weather;
    }

    /// Moves the wall clock by so many milliseconds.
    pub fn jump(&mut self, by: i64) {
        let mut state = self.world.state();
        state.clock.jump(by);
        state.see(&Fact::Jumped(by));
    }

    /// Puts the wall clock right.
    pub fn set_clock_right(&mut self) {
        let mut state = self.world.state();
        state.clock.set_right();
        state.see(&Fact::World("the wall clock is right"));
    }

    /// Kills the driver. Another instance is loaded after a second.
    pub fn kill(&mut self) {
        if let Some(node) = &self.current {
            self.world.state().kill(node.instance, "killed");
        }
        self.settle();
    }

    /// Stops the driver in good order, and loads another one at once.
    pub fn restart(&mut self) {
        if let Some(node) = self.current.as_ref().filter(|node| node.is_loaded()) {
            node.stop();
            self.world.state().see(&Fact::Stopping(node.instance));
        }
        self.settle();
        // A host gives it the time that an attempt may take.
        let limit = self.now().elapsed + 15 * SECOND;
        while self.current.is_some() && self.now().elapsed < limit && self.check().is_ok() {
            self.pass(SECOND);
        }
        if let Some(node) = &self.current {
            self.world.state().kill(node.instance, "not gone in time");
        }
        self.settle();
        self.load();
        self.settle();
    }

    /// The store is lost, and the driver with it.
    pub fn lose_store(&mut self) {
        self.kill();
        if let Some(old) = &self.old {
            self.world.state().kill(old.instance, "killed");
        }
        self.settle();
        let mut state = self.world.state();
        state.store.lose();
        state.see(&Fact::StoreLost);
    }

    /// What the receiver at `url` has taken, in order.
    pub fn receipts(&self, url: &str) -> Vec<Receipt> {
        let state = self.world.state();
        let receipts = state.witness.ledger.receipts.iter();
        receipts
            .filter(|(to, _)| &**to == url)
            .map(|(_, receipt)| *receipt)
            .collect()
    }

    /// When attempts to `url` began, and of which events.
    pub fn attempts(&self, url: &str) -> Vec<Receipt> {
        let state = self.world.state();
        let attempts = state.witness.ledger.attempts.iter();
        attempts
            .filter(|attempt| &*attempt.url == url)
            .filter_map(|attempt| {
                Some(Receipt {
                    at: attempt.began.elapsed,
                    event: attempt.event?,
                })
            })
            .collect()
    }

    /// How many dead letters there are.
    pub fn dead_letters(&self) -> usize {
        self.world.state().store.count("dead/")
    }

    /// How many deliveries are pending.
    pub fn pending(&self) -> usize {
        self.world.state().store.count("delivery/")
    }

    /// The last value of `saved_subscriptions`.
    pub fn saved(&self) -> Option<&Value> {
        self.saved.as_ref()
    }

    /// Whether every law has been kept up to now.
    ///
    /// # Errors
    ///
    /// The first that was not.
    pub fn check(&self) -> Result<(), Violation> {
        self.world
            .state()
            .witness
            .violation
            .clone()
            .map_or(Ok(()), Err)
    }

    /// Heals everything, lets time run on until nothing is left to do, and restarts once.
    ///
    /// # Errors
    ///
    /// The law that was broken at any time.
    pub fn finish(&mut self) -> Result<(), Violation> {
        self.heal();
        let limit = self.now().elapsed + 5 * DAY;
        let mut step = SECOND;
        while self.is_busy() && self.now().elapsed < limit && self.check().is_ok() {
            self.pass(step);
            step = (step * 2).min(10 * MINUTE);
        }
        self.pass(3 * MINUTE);
        self.restart();
        self.pass(3 * MINUTE);
        self.check()?;
        let mut state = self.world.state();
        let state = &mut *state;
        state.witness.end(state.clock.now(), &state.store);
        state.witness.violation.clone().map_or(Ok(()), Err)
    }
}

/// What a history does besides.
impl Site {
    pub(crate) fn trace(&self) -> Option<String> {
        self.world.state().witness.trace.clone()
    }

    pub(crate) fn measure(&self) -> Measure {
        let state = self.world.state();
        let ledger = &state.witness.ledger;
        Measure {
            events: ledger.events.len(),
            attempts: ledger.attempts.len(),
            instances: self.instances as usize,
            elapsed: state.now().elapsed,
        }
    }

    pub(crate) fn urls(&self) -> Vec<Url> {
        self.world
            .state()
            .witness
            .ledger
            .book
            .urls()
            .cloned()
            .collect()
    }

    /// Kills the driver between two of its next host calls.
    pub(crate) fn kill_after(&mut self, calls: u32) {
        if let Some(node) = &self.current {
            self.world.state().kill_after(node.instance, calls);
        }
    }

    /// The driver fails on an event that it was offered: the next instance is to keep it unread.
    pub(crate) fn trap(&mut self) {
        let mut events = self.under_way.values().filter_map(|(_, call)| match call {
            Call::Event(event) => Some(*event),
            _ => None,
        });
        if let Some(event) = events.next()
            && let Some(offer) = self.unanswered.get_mut(&event)
        {
            offer.is_set_aside = true;
        }
        self.kill();
    }

    /// Core moves the module: another instance takes it over while this one still lives for a while.
    pub(crate) fn move_module(&mut self) {
        if self.old.is_some() || self.current.is_none() {
            return;
        }
        self.old = self.current.take();
        let after = self.rng.u64(0..30 * SECOND);
        self.plan(after, Errand::StopOld);
        self.load();
        self.settle();
    }

    /// Changes one of the operator's settings; core brings them to the module some time later.
    pub(crate) fn set_later(&mut self, name: &str, value: Value, after: u64) {
        self.settings.insert(name.to_owned(), value);
        let settings = self.merged_settings();
        self.plan(after, Errand::Update(settings));
    }

    /// Core brings the settings of now some time later, whatever they are by then.
    pub(crate) fn update_later(&mut self, settings: String, after: u64) {
        self.plan(after, Errand::Update(settings));
    }

    /// How storage does for so many milliseconds.
    pub(crate) fn storage_for(&mut self, weather: Weather, lasts: u64) {
        self.storage(weather);
        self.plan(lasts, Errand::HealStorage);
    }

    pub(crate) fn setting(&self, name: &str) -> Option<&Value> {
        self.settings.get(name)
    }

    pub(crate) fn saves_fail(&mut self, percent: u8) {
        self.world.state().saves_fail = percent;
    }

    /// All settings, as core has them.
    pub(crate) fn merged_settings(&self) -> String {
        let mut settings = self.settings.clone();
        if let Some(saved) = &self.saved {
            settings.insert("saved_subscriptions".to_owned(), saved.clone());
        }
        Value::from(settings).to_string()
    }
}

impl Site {
    /// Lets instances do what they can do now, and deals with what comes of it.
    fn settle(&mut self) {
        loop {
            for node in [&mut self.old, &mut self.current].into_iter().flatten() {
                node.run();
            }
            let mut answers = Vec::new();
            for node in [&self.old, &self.current].into_iter().flatten() {
                answers.extend(node.answers());
            }
            self.fetch_saved();
            let is_quiet = answers.is_empty();
            for (call, answer) in answers {
                self.take_answer(call, answer);
            }
            let has_buried = self.bury();
            if is_quiet && !has_buried {
                return;
            }
        }
    }

    fn take_answer(&mut self, call: CallId, answer: Answer) {
        let Some((_, what)) = self.under_way.remove(&call) else {
            return;
        };
        match (&what, &answer) {
            (Call::Load(_), Answer::Loaded) => {
                self.pause = SECOND;
                self.offer_all();
            }
            (Call::Event(event) | Call::SetAside(event), Answer::Unsaved) => {
                self.offer_later(*event);
            }
            (Call::Event(event) | Call::SetAside(event), _) => {
                self.unanswered.remove(event);
            }
            _ => {}
        }
        self.answers.insert(call, answer);
    }

    /// An event was not saved. Its sender offers it again, or has enough.
    fn offer_later(&mut self, event: EventNumber) {
        let Some(offer) = self.unanswered.get(&event) else {
            return;
        };
        if !offer.is_named || (offer.is_given_up && offer.times > 3) {
            self.unanswered.remove(&event);
            return;
        }
        let patience = (SECOND << offer.times.min(8)).min(5 * MINUTE);
        let after = self.rng.u64(SECOND / 2..patience);
        self.plan(after, Errand::Offer(event));
    }

    /// Takes instances away that have ended. Another one is loaded in the current one's place.
    fn bury(&mut self) -> bool {
        let mut has_buried = false;
        for is_old in [true, false] {
            let place = if is_old {
                &mut self.old
            } else {
                &mut self.current
            };
            let Some(node) = place else { continue };
            let instance = node.instance;
            let mut state = self.world.state();
            if node.has_run() {
                let how = if node.is_loaded() {
                    "stopped"
                } else {
                    "not loaded"
                };
                state.kill(instance, how);
            }
            if state.lives(instance) {
                continue;
            }
            drop(state);
            *place = None;
            has_buried = true;
            let of_instance = |(_, (of, _)): &(&CallId, &(Instance, Call))| *of == instance;
            let calls: Vec<_> = self
                .under_way
                .iter()
                .filter(of_instance)
                .map(|(call, _)| *call)
                .collect();
            for call in calls {
                if let Some((_, Call::Event(event))) = self.under_way.remove(&call)
                    && self
                        .unanswered
                        .get(&event)
                        .is_some_and(|offer| !offer.is_named)
                {
                    self.unanswered.remove(&event);
                }
                self.world.state().see(&Fact::Unanswered(call));
            }
            if !is_old {
                self.plan(self.pause, Errand::Load);
                self.pause = (self.pause * 2).min(MINUTE);
            }
        }
        has_buried
    }

    fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Load if self.current.is_none() => self.load(),
            Errand::Load => {}
            Errand::Offer(event) => {
                if self.unanswered.contains_key(&event) {
                    self.offer(event);
                }
            }
            Errand::Update(settings) => {
                if self.current.as_ref().is_some_and(Node::takes_calls) {
                    self.call_current(Call::Update(settings));
                } else {
                    self.plan(SECOND, Errand::Update(settings));
                }
            }
            Errand::HealStorage => self.storage(Weather::default()),
            Errand::StopOld => {
                let Some(old) = &self.old else { return };
                let instance = old.instance;
                if old.is_loaded() {
                    old.stop();
                    self.world.state().see(&Fact::Stopping(instance));
                } else {
                    self.world.state().kill(instance, "killed");
                }
            }
        }
    }

    fn load(&mut self) {
        let instance = Instance(self.instances);
        self.instances += 1;
        self.world.state().start(instance);
        let settings = self.merged_settings();
        let load = self.begin_call(instance, Call::Load(settings.clone()));
        self.current = Some(Node::load(&self.world, instance, load, settings));
    }

    fn request(&mut self, what: Call) -> Option<CallId> {
        let call = self.call_current(what);
        self.settle();
        call
    }

    fn call_current(&mut self, what: Call) -> Option<CallId> {
        let node = self.current.as_ref().filter(|node| node.takes_calls())?;
        let instance = node.instance;
        let call = self.begin_call(instance, what.clone());
        if let Some(node) = &self.current {
            node.call(call, &what, String::new(), None);
        }
        Some(call)
    }

    fn begin_call(&mut self, instance: Instance, what: Call) -> CallId {
        let call = CallId(self.calls);
        self.calls += 1;
        self.world.state().see(&Fact::Called {
            call,
            instance,
            what: &what,
        });
        self.under_way.insert(call, (instance, what));
        call
    }

    fn offer_all(&mut self) {
        let events: Vec<_> = self.unanswered.keys().copied().collect();
        for event in events {
            self.offer(event);
        }
    }

    /// Offers an event to every instance that does not have it.
    fn offer(&mut self, event: EventNumber) {
        let nodes = [&self.old, &self.current].into_iter().flatten();
        let ready = nodes.filter(|node| node.takes_calls());
        let instances: Vec<_> = ready.map(|node| node.instance).collect();
        for instance in instances {
            let has_it = self.under_way.values().any(|(of, call)| {
                let is_of_event =
                    matches!(call, Call::Event(of) | Call::SetAside(of) if *of == event);
                *of == instance && is_of_event
            });
            let Some(offer) = self.unanswered.get_mut(&event) else {
                return;
            };
            if has_it || (offer.times > 0 && !offer.is_named) {
                continue;
            }
            offer.times += 1;
            let what = if offer.is_set_aside {
                Call::SetAside(event)
            } else {
                Call::Event(event)
            };
            let call = self.begin_call(instance, what.clone());
            let (text, id) = {
                let state = self.world.state();
                let event = &state.witness.ledger.events[event.0];
                (event.text.clone(), event.id.clone())
            };
            let mut nodes = [&self.old, &self.current].into_iter().flatten();
            if let Some(node) = nodes.find(|node| node.instance == instance) {
                node.call(call, &what, text, id);
            }
        }
    }

    /// Fetches what the driver has saved. Core brings it back, in whatever time that takes.
    fn fetch_saved(&mut self) {
        let saved = std::mem::take(&mut self.world.state().saved);
        for json in saved {
            self.saved = serde_json::from_str(&json).ok();
            let settings = self.merged_settings();
            let after = match self.rng.u8(..10) {
                0 => self.rng.u64(0..3 * MINUTE),
                _ => self.rng.u64(0..2 * SECOND),
            };
            self.plan(after, Errand::Update(settings));
        }
    }

    fn heal(&mut self) {
        {
            let mut state = self.world.state();
            state.store.weather = Weather::default();
            state.saves_fail = 0;
            for mood in state.moods.values_mut() {
                *mood = Mood::Healthy;
            }
            for node in [&self.old, &self.current].into_iter().flatten() {
                state.live_on(node.instance);
            }
            state.see(&Fact::Healing);
        }
        if let Some(old) = &self.old {
            self.world.state().kill(old.instance, "killed");
        }
        self.settle();
        let hosts: Vec<_> = self.urls().iter().map(|url| json!(host_of(url))).collect();
        self.settings
            .insert("allowed_hosts".to_owned(), hosts.into());
        // After all that is still on its way.
        self.set_later("contract", json!("document"), 5 * MINUTE);
    }

    /// Whether something is still to come.
    fn is_busy(&self) -> bool {
        let state = self.world.state();
        !self.unanswered.is_empty()
            || !self.under_way.is_empty()
            || state.witness.waits_for().is_some()
            || state.agenda.has_errands()
    }

    fn plan(&mut self, after: u64, errand: Errand) {
        let mut state = self.world.state();
        let at = state.now().elapsed + after;
        state.agenda.plan(at, Due::Errand(errand));
    }
}

/// The host of an address of the simulation: what is between `https://` and the path.
fn host_of(url: &str) -> &str {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    rest.split('/').next().unwrap_or(rest)
}
