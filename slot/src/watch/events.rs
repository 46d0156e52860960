//! What happened at the doors.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

/// How many of the latest events are remembered.
const LATEST: usize = 100;
/// Of how many doors the last one is, however long ago it was.
const DOORS: usize = 5_000;
/// How many events wait for somebody who is slow to take them.
const WAITING: usize = 256;
/// How much of a text is shown, in bytes.
const LONGEST: usize = 256;

/// A door event that was accepted, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DoorEvent {
    /// When it was accepted, in milliseconds since 1970.
    pub at: u64,
    /// Its number since the gateway has started, from 1.
    pub number: u64,
    /// Which door.
    pub door_id: String,
    /// What happened, as the security system says it.
    pub action: String,
    /// When it happened, as the security system says it: in one of the forms that the driver reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Who it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
}

impl DoorEvent {
    /// Reads one that the driver has accepted at `at`.
    pub(super) fn read(json: &str, at: u64) -> Option<Self> {
        let event: Value = serde_json::from_str(json).ok()?;
        let text = |name: &str| match event.get(name)? {
            Value::String(text) => Some(text[..text.floor_char_boundary(LONGEST)].to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Some(Self {
            at,
            number: 0,
            door_id: text("door_id")?,
            action: text("action")?,
            timestamp: text("timestamp"),
            user_name: text("user_name"),
        })
    }
}

/// The latest events, and who is told of new ones.
pub(super) struct Events {
    count: u64,
    latest: VecDeque<DoorEvent>,
    last_at: HashMap<String, DoorEvent>,
    told: broadcast::Sender<DoorEvent>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            count: 0,
            latest: VecDeque::new(),
            last_at: HashMap::new(),
            told: broadcast::Sender::new(WAITING),
        }
    }
}

impl Events {
    pub(super) fn happened(&mut self, event: DoorEvent) {
        self.count += 1;
        let event = DoorEvent {
            number: self.count,
            ..event
        };
        // There may be nobody who listens.
        let _ = self.told.send(event.clone());
        if self.latest.len() == LATEST {
            self.latest.pop_front();
        }
        self.latest.push_back(event.clone());
        self.last_at.insert(event.door_id.clone(), event);
        if self.last_at.len() > DOORS {
            let oldest = self.last_at.values().min_by_key(|event| event.number);
            if let Some(door) = oldest.map(|event| event.door_id.clone()) {
                self.last_at.remove(&door);
            }
        }
    }

    /// The latest events and the last one of each door, oldest first; and those to come.
    pub(super) fn listen(&self) -> (Vec<DoorEvent>, broadcast::Receiver<DoorEvent>) {
        let first = self.latest.front().map_or(u64::MAX, |event| event.number);
        let earlier = self.last_at.values().filter(|event| event.number < first);
        let mut events: Vec<_> = earlier.chain(&self.latest).cloned().collect();
        events.sort_unstable_by_key(|event| event.number);
        (events, self.told.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(door: &str) -> DoorEvent {
        let json = serde_json::json!({ "door_id": door, "action": "granted" });
        DoorEvent::read(&json.to_string(), 7).unwrap()
    }

    #[test]
    fn an_event_is_read_in_each_form_that_the_driver_takes() {
        let json =
            r#"{"door_id": 12, "action": "Granted", "timestamp": 1767225600, "card_id": "1"}"#;
        let event = DoorEvent::read(json, 7).unwrap();
        assert_eq!(
            (event.door_id.as_str(), event.action.as_str()),
            ("12", "Granted")
        );
        assert_eq!(event.timestamp.as_deref(), Some("1767225600"));
        assert_eq!(event.user_name, None);
        for unreadable in [
            "",
            "[]",
            "{}",
            r#"{"door_id": "lobby"}"#,
            r#"{"door_id": {}, "action": "a"}"#,
        ] {
            assert_eq!(DoorEvent::read(unreadable, 7), None, "{unreadable}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        let json = serde_json::json!({ "door_id": "ä".repeat(200), "action": "a".repeat(300) });
        let event = DoorEvent::read(&json.to_string(), 7).unwrap();
        assert_eq!(event.door_id, "ä".repeat(128));
        assert_eq!(event.action.len(), 256);
    }

    #[test]
    fn the_last_event_of_a_door_outlives_the_latest() {
        let mut events = Events::default();
        events.happened(event("attic"));
        for _ in 0..2 * LATEST {
            events.happened(event("lobby"));
        }
        let (seen, _) = events.listen();
        assert_eq!(seen.len(), LATEST + 1);
        assert_eq!((seen[0].door_id.as_str(), seen[0].number), ("attic", 1));
        assert!(seen.is_sorted_by_key(|event| event.number));
    }

    #[test]
    fn of_too_many_doors_the_one_is_forgotten_where_nothing_has_happened_for_longest() {
        let mut events = Events::default();
        for door in 0..=DOORS {
            events.happened(event(&door.to_string()));
        }
        let (seen, _) = events.listen();
        assert_eq!(seen.len(), DOORS);
        assert_eq!(seen[0].door_id, "1");
    }

    #[tokio::test]
    async fn who_listens_gets_each_event_once() {
        let mut events = Events::default();
        events.happened(event("lobby"));
        let (before, mut coming) = events.listen();
        events.happened(event("vault"));
        assert_eq!(before.len(), 1);
        assert_eq!(coming.recv().await.unwrap().number, 2);
        assert!(coming.is_empty());
    }

    #[tokio::test]
    async fn who_is_too_slow_is_told_so() {
        let mut events = Events::default();
        let (_, mut coming) = events.listen();
        for _ in 0..=WAITING {
            events.happened(event("lobby"));
        }
        let lagged = coming.recv().await.unwrap_err();
        assert_eq!(lagged, broadcast::error::RecvError::Lagged(1));
    }
}
