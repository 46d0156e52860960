//! This version works on with what an older one has left.

use std::collections::BTreeMap;

use placeos_slot::host::store::Store;
use placeos_slot::module::Acceptance;
use serde_json::{Value, json};

use crate::building::{Arrival, Building};
use crate::kept::{Kept, Place};
use crate::records::Records;

/// What there must be some of, or the tests below would show nothing.
const KINDS: [&str; 13] = [
    "book",
    "dead/",
    "delivery/",
    "format",
    "health/",
    "last-key",
    "rejected/",
    "removal/",
    "seen-at/",
    "seen/",
    "settings",
    "subscription/",
    "unlock/",
];

/// Does something with every kept store, as this version has loaded it, in both its places.
async fn each(mut look: impl AsyncFnMut(&Building, &Records)) {
    for kept in Kept::all() {
        let records = kept.records();
        for place in Place::both(&kept).await {
            let building = Building::load(place.open().await, records.left()).await;
            let building =
                building.unwrap_or_else(|why| panic!("the store of {}: {why}", kept.version));
            look(&building, &records).await;
            building.module.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_store_has_every_kind_of_record_and_its_text_says_what_is_in_the_file() {
    for kept in Kept::all() {
        let records = kept.records();
        let folder = kept.folder();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(Records::of(&store).await, records, "{}", kept.version);
        for kind in KINDS {
            assert!(records.below(kind).next().is_some(), "no {kind}");
        }
        let any = |kind, is: fn(&Value) -> bool| records.below(kind).any(|(_, record)| is(&record));
        assert!(any("delivery/", |delivery| delivery["attempts"] == 0));
        assert!(any("delivery/", |delivery| delivery["attempts"] != 0));
        assert!(any("health/", |health| health["is_disabled"] == true));
        assert!(any("health/", |health| !health["pause"].is_null()));
        assert!(any("subscription/", |one| one["secret"].is_string()));
        assert!(any("subscription/", |one| one["secret"].is_null()));
        assert!(any("subscription/", |one| one["posted"] == false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscription_is_there_and_what_was_removed_stays_removed() {
    each(async |building, records| {
        let shown = building.status("subscriptions").await;
        let mut ids: Vec<_> = all(&shown, "id");
        ids.sort();
        let expected: Vec<_> = records.below("subscription/").map(|(id, _)| id).collect();
        assert_eq!(ids, expected);
        for (_, subscription) in records.below("subscription/") {
            let webhook = subscription["webhook"].as_str().unwrap();
            assert_eq!(building.unsubscribe(webhook).await, 202, "{webhook}");
        }
        for (_, removal) in records.below("removal/") {
            let webhook = removal["webhook"].as_str().unwrap();
            assert_eq!(building.unsubscribe(webhook).await, 404, "{webhook}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pending_is_delivered_once_and_in_order_under_its_own_id() {
    each(async |building, records| {
        let expected = deliveries(records);
        let arrived = building.wait_for(expected.len()).await;
        assert_eq!(by_lane(&arrived), by_lane(&expected));
        assert_eq!(arrived.len(), expected.len());
        for state in ["dead", "rejected"] {
            let kept = list(building, "deliveries", json!({ "state": state })).await;
            let prefix = format!("{state}/");
            assert_eq!(kept.len(), records.below(&prefix).count());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_and_can_be_sent_again() {
    each(async |building, records| {
        let before = building.wait_for(deliveries(records).len()).await.len();
        let listed = list(building, "deliveries", json!({ "state": "dead" })).await;
        let ids = all(&listed.into(), "id");
        let expected: Vec<_> = records
            .below("dead/")
            .map(|(key, _)| format!("dead/{key}"))
            .collect();
        assert_eq!(ids, expected);

        for (id, health) in records.below("health/") {
            if health["is_disabled"] == true {
                let enabled = building.call("enable", json!({ "subscription": id })).await;
                assert_eq!(enabled["state"], "open");
            }
        }
        let again = building.call("redeliver", json!({ "ids": ids })).await;
        assert_eq!(again["redelivered"], expected.len());
        let arrived = building.wait_for(before + expected.len()).await;
        let dead: Vec<_> = records.below("dead/").collect();
        let letters = dead
            .iter()
            .map(|(_, letter)| arrival(records, letter["subscription"].as_str().unwrap(), letter));
        assert_eq!(
            by_lane(&arrived[before..]),
            by_lane(&letters.collect::<Vec<_>>())
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_an_event_is_known_still() {
    each(async |building, records| {
        let before = building.wait_for(deliveries(records).len()).await.len();
        for (id, _) in records.below("seen/") {
            // Of what was rejected the name is known, and it may come again corrected.
            if id.contains('/') {
                continue;
            }
            let event = json!({ "door_id": "lobby", "action": "granted" }).to_string();
            let accepted = building.module.door_event(event, Some(id.to_owned())).await;
            assert_eq!(accepted, Ok(Acceptance::Known), "{id}");
        }
        assert_eq!(building.arrivals().len(), before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unlocks_and_what_was_rejected_are_listed() {
    each(async |building, records| {
        let unlocks = list(building, "unlocks", json!({})).await;
        let recorded: Vec<_> = records.below("unlock/").map(|(_, unlock)| unlock).collect();
        for what in ["at", "door_id", "request_id", "outcome"] {
            let of = |all: &[Value]| all.iter().map(|one| one[what].clone()).collect::<Vec<_>>();
            assert_eq!(of(&unlocks), of(&recorded), "{what}");
        }
        let rejected = list(building, "deliveries", json!({ "state": "rejected" })).await;
        let recorded: Vec<_> = records.below("rejected/").map(|(_, one)| one).collect();
        for what in ["at", "event_id", "raw", "reason"] {
            let of = |all: &[Value]| all.iter().map(|one| one[what].clone()).collect::<Vec<_>>();
            assert_eq!(of(&rejected), of(&recorded), "{what}");
        }
    })
    .await;
}

/// All that a function lists.
async fn list(building: &Building, function: &str, mut arguments: Value) -> Vec<Value> {
    arguments["limit"] = 500.into();
    let page = building.call(function, arguments).await;
    assert_eq!(page["next"], Value::Null);
    page[function].as_array().unwrap().clone()
}

/// A text member of each.
fn all(list: &Value, member: &str) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one[member].as_str().unwrap().to_owned())
        .collect()
}

/// The POSTs that are to come of what is pending.
fn deliveries(records: &Records) -> Vec<Arrival> {
    let pending = records.below("delivery/");
    pending
        .map(|(name, delivery)| arrival(records, name.split('/').next().unwrap(), &delivery))
        .collect()
}

/// The POST of an event to a subscriber.
fn arrival(records: &Records, subscription: &str, delivery: &Value) -> Arrival {
    let (_, subscription) = records
        .below("subscription/")
        .find(|(id, _)| *id == subscription)
        .unwrap();
    Arrival {
        url: subscription["webhook"].as_str().unwrap().to_owned(),
        id: delivery["event_id"].as_str().unwrap().to_owned(),
        is_signed: subscription["secret"].is_string(),
        door: delivery["event"]["door_id"].as_str().unwrap().to_owned(),
    }
}

/// Each subscriber's events of each door, in their order.
fn by_lane(arrivals: &[Arrival]) -> BTreeMap<(&str, &str), Vec<&Arrival>> {
    let mut lanes = BTreeMap::<_, Vec<_>>::new();
    for arrival in arrivals {
        let lane = (arrival.url.as_str(), arrival.door.as_str());
        lanes.entry(lane).or_default().push(arrival);
    }
    lanes
}
