//! Deliveries that tests are about.

use std::rc::Rc;

use crate::door::DoorEvent;
use crate::key::Key;
use crate::record::DeliveryRecord;
use crate::subscription::SubscriptionId;

use super::message::Message;

pub(super) fn key(number: u64) -> Key {
    Key::ZERO.next(number)
}

pub(super) fn subscriber(number: u64) -> SubscriptionId {
    SubscriptionId(key(number))
}

/// An untried delivery of an event at a door, as the store has it.
pub(super) fn record(door: &str) -> DeliveryRecord {
    let json = format!(r#"{{"door_id":"{door}","action":"granted","timestamp":1}}"#);
    let event = DoorEvent::parse(&json, 0).unwrap();
    DeliveryRecord::untried("id".to_owned(), event)
}

pub(super) fn message(door: &str) -> Rc<Message> {
    Rc::new(Message::from(record(door)))
}
