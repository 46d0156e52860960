//! What a gateway has acknowledged is there after it was killed.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use placeos_slot::host::random::{Random, SystemRandom};
use serde_json::{Value, json};

use crate::program::a_place;
use crate::subscriber::Subscriber;
use rig::client::try_send;
use rig::program::until;

const ARGUMENTS: [&str; 1] = ["--allow=127.0.0.1"];

/// What is known of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// A 201 came.
    There,
    /// A 202 came for its removal.
    Gone,
    /// Asked, and killed before an answer.
    Unsure,
}

#[tokio::test]
async fn every_acknowledged_change_survives_a_kill() {
    const ROUNDS: usize = 6;
    const CLIENTS: usize = 6;
    let place = a_place();
    let known = Arc::new(Mutex::new(BTreeMap::new()));
    for round in 0..ROUNDS {
        let gateway = place.start(&ARGUMENTS).await;
        let answered = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (known, answered) = (known.clone(), answered.clone());
                let (address, hook) = (gateway.address(), gateway.access.hooks()[1].clone());
                tokio::spawn(async move {
                    for number in 0.. {
                        for (method, name, then) in [
                            ("POST", "kept", Known::There),
                            ("POST", "removed", Known::There),
                            ("DELETE", "removed", Known::Gone),
                        ] {
                            let url =
                                format!("http://127.0.0.1:9/{round}/{client}/{number}/{name}");
                            known.lock().unwrap().insert(url.clone(), Known::Unsure);
                            let body = json!({ "webhook": url }).to_string();
                            let asked = try_send(address, method, &hook, &[], body).await;
                            let Ok(reply) = asked else {
                                return;
                            };
                            assert!(matches!(reply.status, 201 | 202), "{reply:?}");
                            known.lock().unwrap().insert(url, then);
                            answered.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                })
            })
            .collect();
        let enough = usize::from(SystemRandom.bytes(1)[0] % 60) + 1;
        until("some answers", async || {
            (answered.load(Ordering::SeqCst) >= enough).then_some(())
        })
        .await;
        gateway.kill().await;
        for client in clients {
            client.await.unwrap();
        }
    }

    let gateway = place.start(&ARGUMENTS).await;
    let known = known.lock().unwrap().clone();
    let count = |what| known.values().filter(|known| **known == what).count();
    assert!(
        count(Known::There) > 0 && count(Known::Gone) > 0,
        "{known:?}"
    );
    for (url, known) in known {
        let status = gateway.unsubscribe(&url).await;
        match known {
            Known::There => assert_eq!(status, 202, "{url}"),
            Known::Gone => assert_eq!(status, 404, "{url}"),
            Known::Unsure => assert!(matches!(status, 202 | 404), "{url}: {status}"),
        }
    }
}

#[tokio::test]
async fn an_accepted_event_survives_a_kill() {
    let place = a_place();
    let gateway = place.start(&ARGUMENTS).await;
    let mut subscriber = Subscriber::start().await;
    subscriber.answer(500);
    assert_eq!(gateway.subscribe(&subscriber.url(), "123456").await, 201);
    let event = json!({ "door_id": "lobby", "action": "forced_door" });
    assert_eq!(gateway.signal(event).await.status, 200);
    gateway.kill().await;

    subscriber.forget();
    subscriber.answer(200);
    let _gateway = place.start(&ARGUMENTS).await;
    let post = subscriber.next().await;
    assert!(post.body.contains("forced_door"), "{}", post.body);
}

#[tokio::test]
async fn subscriptions_survive_the_loss_of_the_store() {
    let place = a_place();
    let gateway = place.start(&ARGUMENTS).await;
    let url = "http://127.0.0.1:9/hook";
    assert_eq!(gateway.subscribe(url, "123456").await, 201);
    until("the driver's copy of its subscriptions", async || {
        let text = fs::read_to_string(place.data().join("settings.json")).ok()?;
        let settings: Value = serde_json::from_str(&text).unwrap();
        let list = settings["saved_subscriptions"]["list"].as_array()?.clone();
        (list.len() == 1).then_some(())
    })
    .await;
    gateway.kill().await;
    fs::remove_file(place.data().join("store.redb")).unwrap();

    let gateway = place.start(&ARGUMENTS).await;
    assert_eq!(gateway.unsubscribe(url).await, 202);
}
