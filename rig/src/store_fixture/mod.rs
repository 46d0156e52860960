//! A store as this version writes it, kept for later ones to open: the file of a real gateway that had a
//! bad day, and its records as text.

mod receiver;
mod records;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::json;

use self::receiver::Receiver;
use crate::program::{Place, Running, until};

/// The store's file, here and in the data folder.
const STORE: &str = "store.redb";
/// The records: a line each, its key, a blank, and its value, which is JSON.
const RECORDS: &str = "records.txt";

/// So many failures in a row pause a subscriber.
const PAUSING: usize = 8;
/// A subscription that the operator lists, and Rhombus has removed.
const REMOVED: &str = "http://127.0.0.1:9/removed";
/// Another that the operator lists. Nothing listens there.
const LISTED: &str = "http://127.0.0.1:9/listed";

/// Has the program at `slot` write a store with every kind of record in it, and puts it into `folder`.
/// Answers what is in it, a line a kind.
///
/// # Panics
///
/// The folder is there: what a release has written does not change.
pub async fn store_fixture(slot: &Path, folder: &Path) -> String {
    assert!(!folder.exists(), "{} is there already", folder.display());
    let place = Place::new(slot);
    live_through(&place).await;

    fs::create_dir_all(folder).unwrap();
    fs::copy(place.data().join(STORE), folder.join(STORE)).unwrap();
    // Of that file no byte changes any more: whoever opens one writes into it.
    let records = records::of(&place.data().join(STORE));
    fs::write(folder.join(RECORDS), records::text(&records)).unwrap();
    counted(&records)
}

/// One receiver is gone, another is down for long, a third has just failed, and a fourth is well.
async fn live_through(place: &Place) {
    let gone = Receiver::start(410);
    let down = Receiver::start(503);
    let failing = Receiver::start(500);
    let well = Receiver::start(200);
    let mut command = place.serve(&["--demo", "--swipe-every=0", "--allow=127.0.0.1"]);
    let listed = json!([{ "webhook": REMOVED, "secret": "123456" }, { "webhook": LISTED }]);
    command.env("PLACEOS_SLOT_SET", format!("subscriptions={listed}"));
    let gateway = place.start_by(command).await;
    assert_eq!(gateway.unsubscribe(REMOVED).await, 202);

    assert_eq!(gateway.subscribe(&gone.url, "of the gone").await, 201);
    for door in 0..3 {
        event(&gateway, &format!("lost-{door}"), &format!("gate-{door}")).await;
    }
    has(&gateway, &gone, "disabled").await;

    assert_eq!(gateway.subscribe(&down.url, "of the paused").await, 201);
    for door in 0..PAUSING {
        event(&gateway, &format!("late-{door}"), &format!("dock-{door}")).await;
    }
    has(&gateway, &down, "paused").await;

    let without_secret = json!({ "webhook": well.url });
    assert_eq!(gateway.hook("POST", without_secret).await.status, 201);
    assert_eq!(gateway.subscribe(&failing.url, "123456").await, 201);
    for (number, door) in ["lobby", "lobby", "vault", "lobby", "vault"]
        .into_iter()
        .enumerate()
    {
        event(&gateway, &format!("swipe-{number}"), door).await;
    }
    let nothing = gateway
        .signal_as("nothing", json!({ "door": "lobby" }))
        .await;
    assert_eq!(nothing.status, 422);

    for (door, status) in [("lobby", 200), ("vault", 403), ("nowhere", 403)] {
        let put = gateway.hook("PUT", json!({ "door_id": door })).await;
        assert_eq!(put.status, status, "{door}: {}", put.text());
    }
    until("what is to come", async || {
        (well.count() == 5 && failing.count() >= 2).then_some(())
    })
    .await;
    gateway.send_signal(Signal::TERM);
    assert!(gateway.ended().await.success());
}

/// A door event that is accepted.
async fn event(gateway: &Running, id: &str, door: &str) {
    let event = json!({
        "door_id": door, "timestamp": 1_767_225_600, "action": "granted", "user_name": "Ann Example",
    });
    let reply = gateway.signal_as(id, event).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// Waits until the receiver's subscription is in that state.
async fn has(gateway: &Running, receiver: &Receiver, state: &str) {
    until(state, async || {
        let status = gateway.status().await;
        let shown = status["subscriptions"].as_array()?;
        // The URL is shortened, and begins as it did.
        let mut states = shown.iter().filter(|shown| {
            let url = shown["webhook"].as_str().unwrap_or_default();
            url.starts_with(&receiver.origin)
        });
        (states.next()?["state"] == state).then_some(())
    })
    .await;
}

/// How many records there are of each kind.
fn counted(records: &[records::Record]) -> String {
    let mut counts = BTreeMap::<_, usize>::new();
    for (key, _) in records {
        let kind = key.split('/').next().unwrap_or_default();
        *counts.entry(kind).or_default() += 1;
    }
    let lines = counts
        .iter()
        .map(|(kind, count)| format!("{kind}: {count}"));
    lines.collect::<Vec<_>>().join("\n")
}
