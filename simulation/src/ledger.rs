//! What the facts amount to: events, deliveries, attempts, subscribers. It interprets; the laws judge.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rhombus_driver::host::{Change, Post, PostAnswer, PostFailure};

use crate::book::Book;
use crate::fact::{Answer, AttemptId, Call, CallId, EventNumber, Fact, Instance, Url};
use crate::health::{Health, Outcome, Pause};
use crate::record::{self, Key, Record, Sub};
use crate::site::Receipt;
use crate::event::Event;
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
    pub(crate) counts: Counts,
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
    /// Its commit was said to have failed, so the instance that made it knows nothing of it yet.
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
    /// When its first one failed, and how long its subscriber had been open by then.
    pub(crate) first_failed: Option<(Moment, u64)>,
    pub(crate) last_failed: Option<LastFailed>,
    /// Attempts that the store knows to have failed.
    stored_failed: u32,
}

/// The last failure of a delivery.
#[derive(Clone, Copy)]
pub(crate) struct LastFailed {
    pub(crate) at: Moment,
    pub(crate) outcome: Outcome,
    /// Its subscriber has been opened since.
    pub(crate) has_opened_since: bool,
}

/// One attempt.
pub(crate) struct Attempt {
    pub(crate) instance: Instance,
    pub(crate) began: Moment,
    pub(crate) url: Url,
    pub(crate) event: Option<EventNumber>,
    pub(crate) delivery: Option<(Sub, Key)>,
    /// It has no result yet.
    pub(crate) is_in_flight: bool,
    /// Its subscriber was not open when it began.
    pub(crate) is_probe: bool,
}

/// A subscription, by its records.
pub(crate) struct Subscriber {
    pub(crate) url: Url,
    pub(crate) health: Health,
    /// The lanes: by door, what is stored and not taken.
    pub(crate) lanes: BTreeMap<Rc<str>, BTreeSet<Key>>,
    /// Its record is there.
    pub(crate) is_subscribed: bool,
    /// Deliveries that are stored.
    pub(crate) pending: usize,
    /// Attempts in flight, by instance.
    pub(crate) in_flight: BTreeMap<Instance, u32>,
}

/// Numbers of records.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) pending: usize,
    pub(crate) dead: usize,
    pub(crate) rejected: usize,
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
            counts: Counts::default(),
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

    /// Whether `instance` is the one that may commit.
    pub(crate) fn owns(&self, instance: Instance) -> bool {
        self.owner == Some(instance)
    }

    /// Takes a fact in.
    pub(crate) fn take(&mut self, now: Moment, fact: &Fact<'_>) {
        self.news.clear();
        match fact {
            Fact::Started(instance) => self.start(*instance),
            Fact::Called {
                call,
                instance,
                what,
            } => self.begin_call(now, *call, *instance, what),
            Fact::Answered { call, answer } => self.end_call(now, *call, Some(answer)),
            Fact::Unanswered(call) => self.end_call(now, *call, None),
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

    fn start(&mut self, instance: Instance) {
        self.owner = Some(instance);
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
            subscriber.health.taken_over();
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
        self.calls.insert(call, under_way);
    }

    fn end_call(&mut self, now: Moment, call: CallId, answer: Option<&Answer>) {
        let Some(under_way) = self.calls.remove(&call) else {
            return;
        };
        if !matches!(under_way.what, Call::Event(_)) {
            self.book.end(call, answer);
            self.book_changed();
        }
        match (&under_way.what, answer) {
            (Call::Event(event) | Call::SetAside(event), Some(Answer::Accepted | Answer::Known)) => {
                self.events[event.0].is_accepted = true;
            }
            (Call::Post { url, .. }, Some(Answer::Status(201))) => {
                let subscribers = self.subscribers.values_mut();
                for subscriber in subscribers.filter(|subscriber| subscriber.url == *url) {
                    subscriber.health.open_by_hand(now);
                }
            }
            _ => {}
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

    fn commit(&mut self, now: Moment, instance: Instance, changes: &[Change], told: bool) {
        self.commits += 1;
        for change in changes {
            let (record, value) = record::read(change);
            match (record, value) {
                (Record::Subscription(sub), Some(value)) => self.subscribe(now, sub, value),
                (Record::Subscription(sub), None) => {
                    if let Some(subscriber) = self.subscribers.get_mut(&sub) {
                        subscriber.is_subscribed = false;
                    }
                }
                (Record::Delivery(sub, key), Some(value)) => self.put(sub, key, value, told),
                (Record::Delivery(sub, key), None) => self.unput(sub, key),
                (Record::Dead(sub, key), Some(value)) => self.bury(sub, key, value),
                (Record::Dead(..), None) => self.counts.dead = self.counts.dead.saturating_sub(1),
                (Record::Rejected(_), Some(value)) => {
                    self.counts.rejected += 1;
                    if let Ok(record::Rejected { raw }) = record::decode(value) {
                        self.news.push(News::Rejected { raw });
                    }
                }
                (Record::Rejected(_), None) => {
                    self.counts.rejected = self.counts.rejected.saturating_sub(1);
                }
                (Record::Health(sub), _) => {
                    if let Some(subscriber) = self.subscribers.get_mut(&sub) {
                        subscriber.health.stored();
                    }
                }
                _ => {}
            }
        }
        let saved = changes.iter().filter_map(|change| match change {
            Change::PutIfAbsent { key, .. } => match Record::of(key) {
                Record::Seen(name) => self.names.get(name).copied(),
                _ => None,
            },
            _ => None,
        });
        for event in saved.collect::<Vec<_>>() {
            self.saved(instance, event);
        }
    }

    /// An event was saved by the commit that was just taken in.
    fn saved(&mut self, instance: Instance, event: EventNumber) {
        let mut calls = self.calls.values().filter(|call| {
            let is_of_event = matches!(&call.what, Call::Event(of) if *of == event);
            call.instance == instance && is_of_event
        });
        // Of several calls, the one that began first says least.
        let Some(first) = calls.next() else { return };
        let (must, may) = (first.must.clone(), first.may.clone());
        let deliveries = self.deliveries.values();
        let to = deliveries
            .rev()
            .filter(|delivery| delivery.saved_by == self.commits && delivery.event == event)
            .map(|delivery| delivery.url.clone())
            .collect();
        let saved = &mut self.events[event.0];
        saved.is_repeated |= std::mem::replace(&mut saved.is_saved, true);
        self.news.push(News::Saved {
            event,
            to,
            must,
            may,
        });
    }

    fn subscribe(&mut self, now: Moment, sub: Sub, value: &[u8]) {
        let Ok(record::Subscription { webhook }) = record::decode(value) else {
            return;
        };
        self.subscribers.entry(sub).or_insert_with(|| Subscriber {
            url: webhook.into(),
            health: Health::new(now),
            lanes: BTreeMap::new(),
            is_subscribed: true,
            pending: 0,
            in_flight: BTreeMap::new(),
        });
    }

    fn pend(&mut self, sub: Sub) {
        self.counts.pending += 1;
        if let Some(subscriber) = self.subscribers.get_mut(&sub) {
            subscriber.pending += 1;
        }
    }

    fn put(&mut self, sub: Sub, key: Key, value: &[u8], told: bool) {
        let Ok(read) = record::decode::<record::Delivery>(value) else {
            return;
        };
        if let Some(delivery) = self.deliveries.get_mut(&(sub, key)) {
            delivery.stored_failed = read.attempts;
            if !delivery.is_stored {
                delivery.is_stored = true;
                delivery.is_redelivered = true;
                delivery.is_taken = false;
                delivery.told = None;
                self.pend(sub);
                self.enlane(sub, key);
            }
            return;
        }
        let card = read.event.card_id.as_deref();
        let named = self.names.get(read.event_id.as_str()).copied();
        let Some(event) = named.or_else(|| self.learn_name(card, &read.event_id)) else {
            return;
        };
        let Some(subscriber) = self.subscribers.get(&sub) else {
            return;
        };
        let url = subscriber.url.clone();
        self.of_event
            .entry((url.clone(), event))
            .or_default()
            .push((sub, key));
        let delivery = Delivery {
            event,
            url,
            door: self.events[event.0].door.clone(),
            saved_by: self.commits,
            is_stored: true,
            is_in_doubt: !told,
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
            stored_failed: read.attempts,
        };
        self.deliveries.insert((sub, key), delivery);
        self.pend(sub);
        self.enlane(sub, key);
    }

    /// An event that had no name when it came was given one.
    fn learn_name(&mut self, card: Option<&str>, name: &str) -> Option<EventNumber> {
        let number = Event::number_of(card?)?;
        let event = self.events.get_mut(number.0)?;
        if event.name().is_none() {
            event.set_name(name);
            self.names.insert(name.into(), number);
        }
        Some(number)
    }

    fn unput(&mut self, sub: Sub, key: Key) {
        self.unlane(sub, key);
        if let Some(delivery) = self.deliveries.get_mut(&(sub, key))
            && std::mem::take(&mut delivery.is_stored)
        {
            self.counts.pending -= 1;
            if let Some(subscriber) = self.subscribers.get_mut(&sub) {
                subscriber.pending -= 1;
            }
        }
    }

    fn bury(&mut self, sub: Sub, key: Key, value: &[u8]) {
        self.counts.dead += 1;
        let Ok(record::Dead { event_id, reason }) = record::decode(value) else {
            return;
        };
        self.news.push(News::Died {
            sub,
            key,
            event: self.names.get(event_id.as_str()).copied(),
            reason,
        });
    }

    fn enlane(&mut self, sub: Sub, key: Key) {
        let door = self.deliveries.get(&(sub, key)).map(|it| it.door.clone());
        if let (Some(door), Some(subscriber)) = (door, self.subscribers.get_mut(&sub)) {
            subscriber.lanes.entry(door).or_default().insert(key);
        }
    }

    fn unlane(&mut self, sub: Sub, key: Key) {
        let door = self.deliveries.get(&(sub, key)).map(|it| it.door.clone());
        if let (Some(door), Some(subscriber)) = (door, self.subscribers.get_mut(&sub))
            && let Some(lane) = subscriber.lanes.get_mut(&door)
        {
            lane.remove(&key);
            if lane.is_empty() {
                subscriber.lanes.remove(&door);
            }
        }
    }

    fn begin_attempt(&mut self, now: Moment, instance: Instance, post: &Post) {
        let id = AttemptId(u32::try_from(self.attempts.len()).unwrap_or(u32::MAX));
        let url: Url = post.url.as_str().into();
        let header = post.headers.iter().find(|(name, _)| *name == "webhook-id");
        let named = header.and_then(|(_, name)| self.names.get(name.as_str()).copied());
        let event = named.or_else(|| {
            let body: record::Event = serde_json::from_str(&post.body).ok()?;
            self.learn_name(body.card_id.as_deref(), &header?.1)
        });
        let delivery = event.and_then(|event| self.delivery_of(&url, event));
        let mut is_probe = false;
        let is_owner = self.owns(instance);
        if let Some((sub, key)) = delivery {
            if let Some(subscriber) = self.subscribers.get_mut(&sub) {
                *subscriber.in_flight.entry(instance).or_default() += 1;
                if is_owner {
                    is_probe = !subscriber.health.is_open();
                    subscriber.health.begin(id);
                }
            }
            if is_owner && let Some(delivery) = self.deliveries.get_mut(&(sub, key)) {
                delivery.attempts += 1;
                delivery.in_flight += 1;
            }
        }
        self.attempts.push(Attempt {
            instance,
            began: now,
            url,
            event,
            delivery,
            is_in_flight: true,
            is_probe,
        });
    }

    /// The delivery that an attempt is of: of several, the newest that is stored.
    fn delivery_of(&self, url: &Url, event: EventNumber) -> Option<(Sub, Key)> {
        if self.events[event.0].is_repeated {
            return None;
        }
        let all = self.of_event.get(&(url.clone(), event))?;
        let mut stored = all.iter().rev().filter(|id| {
            let delivery = self.deliveries.get(id);
            delivery.is_some_and(|delivery| delivery.is_stored)
        });
        stored.next().or(all.last()).copied()
    }

    fn taken(&mut self, now: Moment, attempt: AttemptId) {
        let attempt = &self.attempts[attempt.0 as usize];
        if let Some(event) = attempt.event {
            let at = now.elapsed;
            self.receipts
                .push((attempt.url.clone(), Receipt { at, event }));
        }
        if let Some((sub, key)) = attempt.delivery {
            self.unlane(sub, key);
            if let Some(delivery) = self.deliveries.get_mut(&(sub, key)) {
                delivery.is_taken = true;
            }
        }
    }

    fn end_attempt(
        &mut self,
        now: Moment,
        id: AttemptId,
        result: Option<&Result<PostAnswer, PostFailure>>,
    ) {
        let attempt = &mut self.attempts[id.0 as usize];
        attempt.is_in_flight = false;
        let (instance, delivery) = (attempt.instance, attempt.delivery);
        let Some((sub, key)) = delivery else { return };
        let Some(subscriber) = self.subscribers.get_mut(&sub) else {
            return;
        };
        if let Some(in_flight) = subscriber.in_flight.get_mut(&instance) {
            *in_flight = in_flight.saturating_sub(1);
        }
        if self.owner != Some(instance) {
            return;
        }
        let Some(delivery) = self.deliveries.get_mut(&(sub, key)) else {
            return;
        };
        delivery.in_flight = delivery.in_flight.saturating_sub(1);
        let Some(result) = result else {
            subscriber.health.drop_attempt(id);
            return;
        };
        let outcome = Outcome::of(result, now);
        let open_time = subscriber.health.open_time(now);
        let pause = subscriber.health.pause();
        subscriber.health.end(id, key, outcome, now);
        if outcome == Outcome::Taken {
            delivery.told = Some(instance);
        }
        if outcome != Outcome::Taken {
            delivery.last_failed = Some(LastFailed {
                at: now,
                outcome,
                has_opened_since: false,
            });
            delivery.first_failed.get_or_insert((now, open_time));
        }
        if outcome.counts() {
            delivery.failed += 1;
            delivery.ever_failed += 1;
        }
        delivery.ever_refused += u32::from(outcome == Outcome::Refused);
        if let Some(pause) = pause.filter(|_| outcome == Outcome::Taken) {
            self.has_opened(sub, pause);
        }
    }

    /// What has failed since the subscriber last took something before its pause is due at once.
    fn has_opened(&mut self, sub: Sub, pause: Pause) {
        let deliveries = self.deliveries.range_mut((sub, Key::FIRST)..);
        let of_sub = deliveries.take_while(|((of, _), _)| *of == sub);
        for failed in of_sub.filter_map(|(_, delivery)| delivery.last_failed.as_mut()) {
            failed.has_opened_since |= pause
                .last_taken
                .is_none_or(|taken| failed.at.elapsed >= taken.elapsed);
        }
    }

    fn lose_store(&mut self) {
        self.book.lose();
        self.deliveries.clear();
        self.of_event.clear();
        self.subscribers.clear();
        self.counts = Counts::default();
        for attempt in &mut self.attempts {
            attempt.delivery = None;
        }
        for event in &mut self.events {
            event.is_saved = false;
            event.is_repeated = false;
        }
    }
}
