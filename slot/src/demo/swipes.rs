//! What happens at the demo building's doors.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::building::{SYSTEM, door_ids};
use super::people::{PEOPLE, Person, UNKNOWN_CARD};
use crate::gateway::Driver;
use crate::host::clock::{Clock, SystemClock};
use crate::host::random::{Random, SystemRandom};
use crate::module::EventError;

/// Lets something happen at a door every `interval`, for as long as it is polled.
pub async fn run(driver: Arc<dyn Driver>, interval: Duration) -> ! {
    loop {
        tokio::time::sleep(interval).await;
        let event = DoorEvent::random(&SystemRandom, SystemClock::default().now() / 1000);
        let id = hex::encode(SystemRandom.bytes(16));
        offer(&*driver, &event, id).await;
    }
}

/// Offers one event until it is known what became of it.
async fn offer(driver: &dyn Driver, event: &DoorEvent, id: String) {
    const AGAIN: Duration = Duration::from_secs(1);
    loop {
        match driver.door_event(event.json(), Some(id.clone())).await {
            Ok(_) => return,
            Err(EventError::Rejected(reason)) => {
                tracing::warn!(reason, "the driver rejected a swipe of the demo building");
                return;
            }
            Err(EventError::Unsaved(reason)) => {
                tracing::warn!(reason, "a swipe of the demo building is offered again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// A door event as PlaceOS's security drivers publish it.
#[derive(Serialize)]
struct DoorEvent {
    module_id: &'static str,
    security_system: &'static str,
    door_id: &'static str,
    /// Seconds since 1970.
    timestamp: u64,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_email: Option<&'static str>,
}

impl DoorEvent {
    /// What a lobby sees: people with cards, mostly let in; many who leave; seldom a fault.
    fn random(random: &dyn Random, now: u64) -> Self {
        let happened = |action| Self {
            module_id: "mod-demo",
            security_system: SYSTEM,
            door_id: any_door(random),
            timestamp: now,
            action,
            card_id: None,
            user_name: None,
            user_email: None,
        };
        match below(random, 1000) {
            0..740 => happened("granted").to(anybody(random)),
            740..800 => happened("denied").to(anybody(random)),
            800..820 => Self {
                card_id: Some(UNKNOWN_CARD),
                ..happened("denied")
            },
            820..985 => happened("request_to_exit"),
            985..993 => happened("tamper"),
            _ => happened("forced_door"),
        }
    }

    fn to(self, person: &'static Person) -> Self {
        Self {
            card_id: Some(person.card),
            user_name: Some(person.name),
            user_email: Some(person.email),
            ..self
        }
    }

    fn json(&self) -> String {
        #[expect(clippy::expect_used, reason = "texts and a number are JSON")]
        serde_json::to_string(self).expect("texts and a number are JSON")
    }
}

/// Every second event is at the main entrance, which is the first door.
fn any_door(random: &dyn Random) -> &'static str {
    let doors: Vec<&str> = door_ids().collect();
    match below(random, 2) {
        0 => doors[0],
        _ => doors[below(random, doors.len())],
    }
}

fn anybody(random: &dyn Random) -> &'static Person {
    &PEOPLE[below(random, PEOPLE.len())]
}

/// A number below `bound`, all as good as equally likely.
fn below(random: &dyn Random, bound: usize) -> usize {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&random.bytes(4));
    u32::from_le_bytes(bytes) as usize % bound
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use serde_json::Value;

    use super::*;
    use crate::host::Answer;
    use crate::module::{Acceptance, CallError, Request, Response};

    fn events(count: usize) -> Vec<Value> {
        let event = || DoorEvent::random(&SystemRandom, 1_767_225_600).json();
        (0..count)
            .map(|_| serde_json::from_str(&event()).unwrap())
            .collect()
    }

    #[test]
    fn granted_is_what_happens_most_and_a_fault_what_happens_least() {
        let mut counts = BTreeMap::new();
        for event in events(20_000) {
            *counts
                .entry(event["action"].as_str().unwrap().to_owned())
                .or_insert(0) += 1;
        }
        let [denied, forced_door, granted, request_to_exit, tamper] = [
            "denied",
            "forced_door",
            "granted",
            "request_to_exit",
            "tamper",
        ]
        .map(|action| counts[action]);
        assert_eq!(counts.len(), 5);
        assert!(granted > 2 * request_to_exit, "{counts:?}");
        assert!(request_to_exit > denied, "{counts:?}");
        assert!(denied > tamper + forced_door, "{counts:?}");
    }

    #[test]
    fn whoever_is_let_in_is_known_and_everybody_is_made_up() {
        for event in events(2_000) {
            let text = |name: &str| event[name].as_str();
            if text("action") == Some("granted") {
                assert!(text("card_id").is_some(), "{event}");
                assert!(text("user_name").is_some(), "{event}");
                assert!(text("user_email").is_some(), "{event}");
            }
            if let Some(email) = text("user_email") {
                assert!(email.ends_with("@example.org"), "{event}");
            }
            assert!(door_ids().any(|id| text("door_id") == Some(id)), "{event}");
            assert_eq!(event["timestamp"], 1_767_225_600);
        }
    }

    /// Cannot save the first event that it is offered, at first.
    #[derive(Default)]
    struct Hesitant(Mutex<Vec<Option<String>>>);

    impl Driver for Hesitant {
        fn request(&self, _: Request) -> Answer<Response> {
            unreachable!("the demo building sends no webhook requests")
        }

        fn door_event(
            &self,
            _: String,
            id: Option<String>,
        ) -> Answer<Result<Acceptance, EventError>> {
            let mut offered = self.0.lock().unwrap();
            offered.push(id);
            let answer = match offered.len() {
                1 => Err(EventError::Unsaved("the disk is full".to_owned())),
                _ => Ok(Acceptance::Accepted),
            };
            Box::pin(async move { answer })
        }

        fn call(&self, _: String, _: String) -> Answer<Result<String, CallError>> {
            unreachable!("the demo building calls no functions")
        }

        fn is_ready(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn an_event_that_is_not_saved_is_offered_again_under_its_id() {
        let driver = Arc::new(Hesitant::default());
        let swipes = tokio::spawn(run(driver.clone(), Duration::from_millis(1)));
        while driver.0.lock().unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        swipes.abort();
        let ids = driver.0.lock().unwrap().clone();
        assert_eq!(ids[0], ids[1]);
        assert_ne!(ids[1], ids[2]);
        assert!(ids.iter().all(Option::is_some));
    }
}
