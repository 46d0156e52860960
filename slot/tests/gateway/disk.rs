//! A disk that fills: whoever asks is told, nothing is half-written, and what was acknowledged is
//! there when the disk has room again.
//!
//! The disk is full as far as the process can tell: files may not grow (`RLIMIT_FSIZE`), so that a
//! write fails in the middle of a commit. Unlike a small file system that needs no privilege, and it
//! can begin while the process runs.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use rig::client::Reply;
use rig::program::{Place, Running, until};
use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::program::{PROGRAM, a_place};
use crate::subscriber::Subscriber;

/// A few of these fill what a commit may find free in the file.
const LARGE: usize = 10_000;

#[tokio::test]
async fn an_event_that_cannot_be_saved_is_not_accepted() {
    let place = a_place();
    let gateway = start(&place).await;
    // Nobody answers there yet: a result of an attempt would be one more thing to save.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    assert_eq!(gateway.subscribe(&url, "123456").await, 201);
    fill_disk(&place, &gateway);

    let mut accepted = BTreeSet::new();
    let refused = loop {
        let id = format!("swipe-{}", accepted.len());
        let reply = offer(&gateway, &id).await;
        if reply.status != 200 {
            break reply;
        }
        assert_eq!(reply.text(), r#"{"event":"accepted"}"#);
        accepted.insert(id);
    };
    assert_eq!(refused.status, 503);
    let error = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("not known to be saved"), "{error}");
    let mut subscriber = Subscriber::on(listener);
    has_ended(&place, gateway).await;

    let gateway = start(&place).await;
    let mut received = BTreeSet::new();
    while received.len() < accepted.len() {
        let post = subscriber.next().await;
        received.insert(post.headers["webhook-id"].to_str().unwrap().to_owned());
    }
    assert_eq!(received, accepted);
    for id in &accepted {
        assert_eq!(offer(&gateway, id).await.text(), r#"{"event":"known"}"#);
    }
    let unsaved = format!("swipe-{}", accepted.len());
    let again = offer(&gateway, &unsaved).await;
    assert_eq!(again.text(), r#"{"event":"accepted"}"#);
}

#[tokio::test]
async fn a_subscription_that_cannot_be_saved_is_answered_503() {
    let place = a_place();
    let gateway = start(&place).await;
    fill_disk(&place, &gateway);

    let mut subscribed = Vec::new();
    let (url, refused) = loop {
        let url = format!(
            "http://127.0.0.1:9/{}/{}",
            subscribed.len(),
            "x".repeat(1900)
        );
        let body = json!({ "webhook": url, "secret": "s".repeat(1000) });
        let reply = gateway.hook("POST", body).await;
        if reply.status != 201 {
            break (url, reply);
        }
        subscribed.push(url);
    };
    assert_eq!(refused.status, 503);
    let error: Value = refused.json();
    assert!(error["error"].is_string(), "{error}");
    has_ended(&place, gateway).await;

    let gateway = start(&place).await;
    assert_eq!(gateway.unsubscribe(&url).await, 404);
    for url in subscribed {
        assert_eq!(gateway.unsubscribe(&url).await, 202);
    }
}

/// Starts a gateway whose writes fail where its files would grow too large. Unless told, the system
/// ends such a process by a signal.
async fn start(place: &Place) -> Running {
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"trap "" XFSZ; exec "$0" serve --allow 127.0.0.1"#])
        .arg(PROGRAM)
        .env("PLACEOS_SLOT_LOG", "error");
    place.here(&mut command);
    place.start_by(command).await
}

/// From now on the store's file cannot grow.
fn fill_disk(place: &Place, gateway: &Running) {
    let size = fs::metadata(place.data().join("store.redb")).unwrap().len();
    let no_more = Rlimit {
        current: Some(size),
        maximum: Some(size),
    };
    prlimit(Some(gateway.pid()), Resource::Fsize, no_more).unwrap();
}

async fn offer(gateway: &Running, id: &str) -> Reply {
    let event = json!({
        "door_id": "lobby", "action": "granted", "timestamp": 1, "user_name": "x".repeat(LARGE),
    });
    gateway.signal_as(id, event).await
}

/// A gateway whose store has failed ends, so that it is started anew, and says why.
async fn has_ended(place: &Place, gateway: Running) {
    assert_eq!(gateway.ended().await.code(), Some(1));
    until("the reason", async || {
        place
            .log()
            .lines()
            .any(|line| line.starts_with("placeos-slot: the store failed"))
            .then_some(())
    })
    .await;
}
