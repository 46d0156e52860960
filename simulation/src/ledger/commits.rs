//! What commits amount to.

use std::collections::BTreeMap;

use rhombus_driver::host::Change;

use super::{Delivery, Ledger, News, Subscriber};
use crate::event::Event;
use crate::fact::{Call, EventNumber, Instance};
use crate::health::Health;
use crate::record::{self, Key, Record, Sub};
use crate::time::Moment;

/// What a commit that sets deliveries is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// An event came in.
    Intake,
    /// An attempt was made.
    Attempt,
    /// An operator has dead letters sent again.
    DeadLetter,
}

impl Ledger {
    pub(super) fn commit(
        &mut self,
        now: Moment,
        instance: Instance,
        changes: &[Change],
        told: bool,
    ) {
        self.commits += 1;
        let names = changes.iter().filter_map(|change| match change {
            Change::PutIfAbsent { key, .. } => match Record::of(key) {
                Record::Seen(name) => Some(name),
                _ => None,
            },
            Change::Put { .. } | Change::Delete { .. } => None,
        });
        let names: Vec<_> = names.collect();
        let of_dead = |change: &Change| matches!(record::read(change), (Record::Dead(_), None));
        let origin = match names.is_empty() {
            false => Origin::Intake,
            true if changes.iter().any(of_dead) => Origin::DeadLetter,
            true => Origin::Attempt,
        };
        for (nth, change) in changes.iter().enumerate() {
            let (record, value) = record::read(change);
            match (record, value) {
                (Record::Subscription(sub), Some(value)) => self.subscribe(now, sub, value),
                (Record::Subscription(sub), None) => {
                    if let Some(subscriber) = self.subscribers.get_mut(&sub) {
                        subscriber.is_subscribed = false;
                    }
                }
                // What of it is made anew and deleted at once was never there.
                (Record::Delivery(..), Some(_)) if is_deleted_after(nth, changes) => {}
                (Record::Delivery(sub, key), Some(value)) => {
                    self.put(sub, key, value, told, origin);
                }
                (Record::Delivery(sub, key), None) => self.unput(sub, key, told),
                (Record::Dead(name), Some(value)) => {
                    if self.kept.dead.insert(name.to_owned()) {
                        self.bury(value);
                    }
                }
                (Record::Dead(name), None) => drop(self.kept.dead.remove(name)),
                (Record::Rejected(name), Some(value)) => {
                    self.kept.rejected.insert(name.to_owned());
                    if let Ok(record::Rejected { raw }) = record::decode(value) {
                        self.news.push(News::Rejected { raw });
                    }
                }
                (Record::Rejected(name), None) => drop(self.kept.rejected.remove(name)),
                (Record::Unlock(name), Some(_)) => {
                    self.kept.unlocks.insert(name.to_owned());
                }
                (Record::Unlock(name), None) => drop(self.kept.unlocks.remove(name)),
                (Record::Health(sub), value) => {
                    if let Some(subscriber) = self.subscribers.get_mut(&sub) {
                        subscriber.health.stored();
                        subscriber.record = value.and_then(|value| record::decode(value).ok());
                    }
                }
                (Record::Seen(_) | Record::SeenAt(_) | Record::Other, _) => {}
            }
        }
        for name in names {
            // One without an id has its name from the deliveries above.
            if let Some(event) = self.names.get(name).copied() {
                self.saved(instance, event);
            }
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
            record: None,
            lanes: BTreeMap::new(),
            is_subscribed: true,
            pending: 0,
            in_flight: BTreeMap::new(),
        });
    }

    fn pend(&mut self, sub: Sub) {
        self.kept.pending += 1;
        if let Some(subscriber) = self.subscribers.get_mut(&sub) {
            subscriber.pending += 1;
        }
    }

    fn put(&mut self, sub: Sub, key: Key, value: &[u8], told: bool, origin: Origin) {
        let Ok(read) = record::decode::<record::Delivery>(value) else {
            return;
        };
        let is_raised = origin == Origin::DeadLetter;
        if let Some(delivery) = self.deliveries.get_mut(&(sub, key)) {
            if is_raised && !delivery.is_stored {
                *delivery =
                    Delivery::new(delivery.event, &delivery.url, &delivery.door, self.commits);
                delivery.is_stored = false;
            }
            delivery.stored_failed = read.attempts;
            if is_raised {
                delivery.is_redelivered = true;
                delivery.told = None;
            }
            let was_stored = std::mem::replace(&mut delivery.is_stored, true);
            let (event, url) = (delivery.event, delivery.url.clone());
            if !was_stored {
                if origin == Origin::Attempt && !delivery.is_in_doubt {
                    self.news.push(News::CameBack {
                        event,
                        url: url.clone(),
                    });
                }
                delivery.is_in_doubt = !told;
                self.pend(sub);
                self.enlane(sub, key);
            }
            if is_raised {
                self.news.push(News::Raised { url, event });
            }
            return;
        }
        let Some(event) = self.event_of(&read.event_id, &read.event) else {
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
        let door = &self.events[event.0].door;
        let delivery = Delivery {
            is_in_doubt: !told,
            is_redelivered: is_raised,
            stored_failed: read.attempts,
            ..Delivery::new(event, &url, door, self.commits)
        };
        self.deliveries.insert((sub, key), delivery);
        self.pend(sub);
        self.enlane(sub, key);
        if is_raised {
            self.news.push(News::Raised { url, event });
        }
    }

    /// The event of this name. One that had none when it came is told by its card.
    pub(super) fn event_of(&mut self, name: &str, event: &record::Event) -> Option<EventNumber> {
        if let Some(number) = self.names.get(name) {
            return Some(*number);
        }
        let number = Event::number_of(event.card_id.as_deref()?)?;
        let event = self.events.get_mut(number.0)?;
        if event.name().is_none() {
            event.set_name(name);
            self.names.insert(name.into(), number);
        }
        Some(number)
    }

    fn unput(&mut self, sub: Sub, key: Key, told: bool) {
        self.unlane(sub, key);
        if let Some(delivery) = self.deliveries.get_mut(&(sub, key))
            && std::mem::take(&mut delivery.is_stored)
        {
            delivery.is_in_doubt = !told;
            self.kept.pending -= 1;
            if let Some(subscriber) = self.subscribers.get_mut(&sub) {
                subscriber.pending -= 1;
            }
        }
    }

    fn bury(&mut self, value: &[u8]) {
        let Ok(dead) = record::decode::<record::Dead>(value) else {
            return;
        };
        let event = self.event_of(&dead.event_id, &dead.event);
        let of = Sub::read(&dead.subscription).zip(Key::read(&dead.key));
        if let Some((sub, key)) = of {
            self.news.push(News::Died {
                sub,
                key,
                event,
                reason: dead.reason,
            });
        }
    }

    pub(super) fn enlane(&mut self, sub: Sub, key: Key) {
        let door = self.deliveries.get(&(sub, key)).map(|it| it.door.clone());
        if let (Some(door), Some(subscriber)) = (door, self.subscribers.get_mut(&sub)) {
            subscriber.lanes.entry(door).or_default().insert(key);
        }
    }

    pub(super) fn unlane(&mut self, sub: Sub, key: Key) {
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
}

/// Whether what a change sets is deleted by a later one.
fn is_deleted_after(nth: usize, changes: &[Change]) -> bool {
    let (Change::Put { key: set, .. } | Change::PutIfAbsent { key: set, .. }) = &changes[nth]
    else {
        return false;
    };
    let mut later = changes[nth..].iter();
    later.any(|change| matches!(change, Change::Delete { key } if key == set))
}
