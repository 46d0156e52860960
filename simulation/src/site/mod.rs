//! A site: the driver, and what a slot and core do around it. Histories and scenarios act on this.

mod besides;
mod course;

use std::collections::BTreeMap;
use std::rc::Rc;

use fastrand::Rng;
use serde_json::{Map, Value};

use crate::agenda::Due;
use crate::event::{Event, Writing};
use crate::fact::{Answer, Call, CallId, EventNumber, Fact, Instance, Url};
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

    /// Something comes that is no door event.
    pub fn unreadable_event(&mut self) -> EventNumber {
        self.event_as("lobby", Writing::Unreadable, true, false)
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

    /// Asks for a door. `None` if no instance is there to be asked.
    pub fn put(&mut self, door: &'static str) -> Option<CallId> {
        self.request(Call::Put { door })
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

    /// How many events are kept that could not be read.
    pub fn rejected(&self) -> usize {
        self.world.state().store.count("rejected/")
    }

    /// How many attempts to unlock a door are kept.
    pub fn unlocks(&self) -> usize {
        self.world.state().store.count("unlock/")
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

/// The host of an address of the simulation: what is between `https://` and the path.
fn host_of(url: &str) -> &str {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    rest.split('/').next().unwrap_or(rest)
}
