//! What the facts amount to: events, deliveries, attempts, subscribers. It interprets; the laws judge.

mod attempts;
mod commits;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::book::Book;
use crate::event::Event;
use crate::fact::{Answer, AttemptId, Call, CallId, EventNumber, Fact, Instance, Url};
use crate::health::{Health, Kind};
use crate::record::{self, Key, Sub};
use crate::site::Receipt;
use crate::time::Moment;

/// Everything that the laws know of a history.
pub(crate) struct Ledger {
    pub(crate) book: Book,
    pub(crate) events: Vec<Event>,
    pub(crate) calls: BTreeMap<CallId, UnderWay>,
    pub(crate) deliveries: BTreeMap<(Sub, Key), Delivery>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) subscribers: BTreeMap<Sub, Subscriber>,
    /// The instance that may commit.
    pub(crate) owner: Option<Instance>,
    /// What the last fact has brought.
    pub(crate) news: Vec<News>,
    /// Commits so far, each one's number being the count with it.
    pub(crate) commits: u64,
    pub(crate) is_healing: bool,
    pub(crate) kept: Kept,
    /// What receivers have taken, in order.
    pub(crate) receipts: Vec<(Url, Receipt)>,
    /// The events' names, as the module has them.
    names: BTreeMap<Rc<str>, EventNumber>,
    of_event: BTreeMap<(Url, EventNumber), Vec<(Sub, Key)>>,
}

/// A call that is not answered yet.
pub(crate) struct UnderWay {
    pub(crate) instance: Instance,
    pub(crate) what: Call,
    /// Addresses that were surely active all the time.
    must: BTreeSet<Url>,
    /// Addresses that may have been active at any time.
    may: BTreeSet<Url>,
}

impl UnderWay {
    /// Whose subscriber the call opens, if it does that.
    fn opens(&self) -> Option<&Url> {
        match &self.what {
            Call::Post { url, .. } => Some(url),
            Call::Operate {
                function: "enable",
                url,
                ..
            } => url.as_ref(),
            _ => None,
        }
    }
}

/// What a commit, or its absence, means.
pub(crate) enum News {
    /// An event is saved.
    Saved {
        event: EventNumber,
        /// Those who get it.
        to: BTreeSet<Url>,
        /// Those who were active all the time that its call took.
        must: BTreeSet<Url>,
        /// Those who may have been active at any of that time.
        may: BTreeSet<Url>,
    },
    /// A delivery has become a dead letter.
    Died {
        sub: Sub,
        key: Key,
        /// Which event, if that can be told.
        event: Option<EventNumber>,
        reason: String,
    },
    /// A dead letter is to be delivered again.
    Raised { url: Url, event: EventNumber },
    /// A delivery that was gone is pending again, because of an attempt.
    CameBack { url: Url, event: EventNumber },
    /// An event was kept as rejected.
    Rejected { raw: String },
}

/// An event on its way to a subscriber.
pub(crate) struct Delivery {
    pub(crate) event: EventNumber,
    pub(crate) url: Url,
    pub(crate) door: Rc<str>,
    /// The number of the commit that made it.
    pub(crate) saved_by: u64,
    /// The store has it.
    pub(crate) is_stored: bool,
    /// The commit that made it, or took it away, was said to have failed: its instance knows nothing of
    /// that yet.
    pub(crate) is_in_doubt: bool,
    /// The subscriber has given a 2xx for it.
    pub(crate) is_taken: bool,
    /// The instance that knows of it.
    pub(crate) told: Option<Instance>,
    /// Its attempts in flight of the instance that may commit.
    pub(crate) in_flight: u32,
    /// It was given up, and an operator has it sent again.
    pub(crate) is_redelivered: bool,
    /// Attempts started.
    pub(crate) attempts: u32,
    /// Attempts that count as failed, as the driver knows.
    pub(crate) failed: u32,
    /// The same, whether or not a crash has made the driver forget.
    pub(crate) ever_failed: u32,
    /// Those that refused its body, likewise.
    pub(crate) ever_refused: u32,
    /// The first of its attempts that counts as failed.
    pub(crate) first_failed: Option<Failure>,
    /// The last one, if the driver waits for its time since.
    pub(crate) last_failed: Option<Failure>,
    /// Attempts that the store knows to have failed.
    stored_failed: u32,
}

impl Delivery {
    /// One that was just made.
    fn new(event: EventNumber, url: &Url, door: &Rc<str>, saved_by: u64) -> Self {
        Self {
            event,
            url: url.clone(),
            door: door.clone(),
            saved_by,
            is_stored: true,
            is_in_doubt: false,
            is_taken: false,
            told: None,
            in_flight: 0,
            is_redelivered: false,
            attempts: 0,
            failed: 0,
            ever_failed: 0,
            ever_refused: 0,
            first_failed: None,
            last_failed: None,
            stored_failed: 0,
        }
    }

    /// Whether it has failed so often that it is given up.
    pub(crate) fn must_die(&self) -> bool {
        self.ever_failed >= 80 || self.ever_refused >= 3
    }
}

/// When an attempt failed.
#[derive(Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) at: Moment,
    /// For how long the subscriber had been open.
    pub(crate) open_time: u64,
}

/// One attempt.
pub(crate) struct Attempt {
    pub(crate) instance: Instance,
    pub(crate) began: Moment,
    pub(crate) url: Url,
    pub(crate) event: Option<EventNumber>,
    pub(crate) sub: Option<Sub>,
    /// Its delivery's, if that can be told.
    pub(crate) key: Option<Key>,
    /// It has no result yet.
    pub(crate) is_in_flight: bool,
    /// How it began, if its instance owned the module then.
    pub(crate) kind: Option<Kind>,
    /// It is of no delivery: an operator tests a subscriber.
    pub(crate) is_test: bool,
}

/// A subscription, by its records.
pub(crate) struct Subscriber {
    pub(crate) url: Url,
    pub(crate) health: Health,
    /// The record of its health.
    record: Option<record::Health>,
    /// The lanes: by door, what is stored and not taken.
    pub(crate) lanes: BTreeMap<Rc<str>, BTreeSet<Key>>,
    /// Its record is there.
    pub(crate) is_subscribed: bool,
    /// Deliveries that are stored.
    pub(crate) pending: usize,
    /// Attempts in flight, by instance.
    pub(crate) in_flight: BTreeMap<Instance, u32>,
}

/// Records that are bounded in number.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) pending: usize,
    /// By their names.
    pub(crate) dead: BTreeSet<String>,
    pub(crate) rejected: BTreeSet<String>,
    pub(crate) unlocks: BTreeSet<String>,
}

impl Ledger {
    pub(crate) fn of(urls: &[Url]) -> Self {
        Self {
            book: Book::of(urls),
            events: Vec::new(),
            calls: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            attempts: Vec::new(),
            subscribers: BTreeMap::new(),
            owner: None,
            news: Vec::new(),
            commits: 0,
            is_healing: false,
            kept: Kept::default(),
            receipts: Vec::new(),
            names: BTreeMap::new(),
            of_event: BTreeMap::new(),
        }
    }

    /// A new event comes to the site.
    pub(crate) fn add_event(&mut self, event: Event) -> EventNumber {
        let number = EventNumber(self.events.len());
        if let Some(name) = event.name() {
            self.names.insert(name.into(), number);
        }
        self.events.push(event);
        number
    }

    pub(crate) fn attempt(&self, attempt: AttemptId) -> &Attempt {
        &self.attempts[attempt.0 as usize]
    }

    /// The delivery that an attempt is of, if that can be told.
    pub(crate) fn delivery_of(&self, attempt: &Attempt) -> Option<&Delivery> {
        self.deliveries.get(&attempt.sub.zip(attempt.key)?)
    }

    /// Whom an attempt is made to.
    pub(crate) fn subscriber_of(&self, attempt: &Attempt) -> Option<&Subscriber> {
        self.subscribers.get(&attempt.sub?)
    }

    /// Whether a function of an operator's is under way.
    pub(crate) fn is_operated(&self, name: &str) -> bool {
        let mut calls = self.calls.values();
        calls.any(|call| matches!(&call.what, Call::Operate { function, .. } if *function == name))
    }

    /// Whether `instance` is the one that may commit.
    pub(crate) fn owns(&self, instance: Instance) -> bool {
        self.owner == Some(instance)
    }

    /// Takes a fact in.
    pub(crate) fn take(&mut self, now: Moment, fact: &Fact<'_>) {
        self.news.clear();
        match fact {
            Fact::Started(instance) => self.start(now, *instance),
            Fact::Called {
                call,
                instance,
                what,
            } => self.begin_call(now, *call, *instance, what),
            Fact::Answered { call, answer } => self.end_call(*call, Some(answer)),
            Fact::Unanswered(call) => self.end_call(*call, None),
            Fact::Committed {
                instance,
                changes,
                told,
            } => self.commit(now, *instance, changes, *told),
            Fact::Attempt { instance, post, .. } => self.begin_attempt(now, *instance, post),
            Fact::Taken(attempt) => self.taken(now, *attempt),
            Fact::Result { attempt, result } => self.end_attempt(now, *attempt, Some(result)),
            Fact::Dropped(attempt) => self.end_attempt(now, *attempt, None),
            Fact::StoreLost => self.lose_store(),
            Fact::Healing => self.is_healing = true,
            _ => {}
        }
    }

    fn start(&mut self, now: Moment, instance: Instance) {
        self.owner = Some(instance);
        let deliveries = self.deliveries.iter();
        let stored = deliveries.filter(|(_, delivery)| delivery.is_stored && !delivery.is_taken);
        for (sub, key) in stored.map(|(id, _)| *id).collect::<Vec<_>>() {
            // It may have been given up, and the store not know it.
            self.enlane(sub, key);
        }
        for delivery in self.deliveries.values_mut() {
            delivery.is_in_doubt = false;
            delivery.in_flight = 0;
            if delivery.stored_failed != delivery.failed {
                delivery.failed = delivery.stored_failed;
                delivery.last_failed = None;
                delivery.first_failed = delivery.first_failed.filter(|_| delivery.failed > 0);
            }
        }
        for subscriber in self.subscribers.values_mut() {
            let record = subscriber.record.as_ref();
            subscriber.health.taken_over(record, now);
        }
        for ((sub, _), delivery) in &mut self.deliveries {
            if let Some(failed) = &mut delivery.first_failed
                && let Some(subscriber) = self.subscribers.get(sub)
            {
                // By what the new instance knows, it cannot have been later.
                let now = subscriber.health.open_time(now);
                failed.open_time = failed.open_time.min(now);
            }
        }
    }

    fn begin_call(&mut self, now: Moment, call: CallId, instance: Instance, what: &Call) {
        let mut under_way = UnderWay {
            instance,
            what: what.clone(),
            must: BTreeSet::new(),
            may: BTreeSet::new(),
        };
        if let Call::Event(event) = what {
            self.events[event.0].offered_at.insert(now.wall / 1000);
            under_way.must = self.book.surely_active();
            under_way.may = self.book.maybe_active();
        } else {
            self.book.begin(call, what);
            self.book_changed();
        }
        if let Some(url) = under_way.opens() {
            self.may_open(now, &url.clone());
        }
        self.calls.insert(call, under_way);
    }

    fn end_call(&mut self, call: CallId, answer: Option<&Answer>) {
        let Some(under_way) = self.calls.remove(&call) else {
            return;
        };
        if !matches!(under_way.what, Call::Event(_)) {
            self.book.end(call, answer);
            self.book_changed();
        }
        match (&under_way.what, answer) {
            (
                Call::Event(event) | Call::SetAside(event),
                Some(Answer::Accepted | Answer::Known),
            ) => {
                self.events[event.0].is_accepted = true;
            }
            (_, Some(Answer::Status(201) | Answer::Operated(_))) => {
                let url = under_way.opens();
                let subscribers = self.subscribers.values_mut();
                for subscriber in subscribers.filter(|it| Some(&it.url) == url) {
                    subscriber.health.opened();
                }
            }
            _ => {}
        }
    }

    /// Somebody may be opening the subscribers at `url`.
    fn may_open(&mut self, now: Moment, url: &str) {
        let subscribers = self.subscribers.iter_mut();
        let at_url = subscribers.filter(|(_, subscriber)| &*subscriber.url == url);
        let subs: Vec<_> = at_url
            .map(|(sub, subscriber)| {
                subscriber.health.may_open(now);
                *sub
            })
            .collect();
        for sub in subs {
            self.all_due(sub, None);
        }
    }

    fn book_changed(&mut self) {
        let calls = self.calls.values_mut();
        let mut calls = calls
            .filter(|call| matches!(call.what, Call::Event(_)))
            .peekable();
        if calls.peek().is_none() {
            return;
        }
        let must = self.book.surely_active();
        let may = self.book.maybe_active();
        for call in calls {
            call.must.retain(|url| must.contains(url));
            call.may.extend(may.iter().cloned());
        }
    }

    fn lose_store(&mut self) {
        self.book.lose();
        self.deliveries.clear();
        self.of_event.clear();
        self.subscribers.clear();
        self.kept = Kept::default();
        for attempt in &mut self.attempts {
            attempt.sub = None;
        }
        for event in &mut self.events {
            event.is_saved = false;
            event.is_repeated = false;
        }
    }
}
