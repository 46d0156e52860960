//! Door events by signal.

use foreign::NOT_UTF8;
use placeos_slot::module::{Acceptance, EventError};
use serde_json::json;

use crate::pretended::{SIGNAL, Served};
use rig::client::send;

#[tokio::test]
async fn an_event_is_answered_as_the_driver_took_it() {
    let served = Served::start().await;
    let event = r#"{"door_id":"lobby","action":"granted"}"#;

    let reply = served.signal(&[], event).await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "event": "accepted" }))
    );

    served.takes_events_as(Ok(Acceptance::Known));
    let reply = served
        .signal(&[("idempotency-key", "Swipe_1-a")], event)
        .await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "event": "known" }))
    );

    served.takes_events_as(Err(EventError::Rejected("it has no door_id".to_owned())));
    let reply = served.signal(&[], "{}").await;
    assert_eq!(
        (reply.status, reply.json()),
        (422, json!({ "error": "it has no door_id" }))
    );

    served.takes_events_as(Err(EventError::Unsaved(
        "/data/store: disk full".to_owned(),
    )));
    let reply = served.signal(&[], event).await;
    assert_eq!(reply.status, 503);
    assert!(!reply.text().contains("/data"), "{}", reply.text());

    let key = Some("Swipe_1-a".to_owned());
    let (event, empty) = (event.to_owned(), "{}".to_owned());
    let expected = [
        (event.clone(), None),
        (event.clone(), key),
        (empty, None),
        (event, None),
    ];
    assert_eq!(served.events(), expected);
}

#[tokio::test]
async fn events_are_taken_only_from_who_has_the_event_key() {
    let served = Served::start().await;
    let keys = &served.keys;
    for headers in [
        &[][..],
        &[("x-api-key", "")],
        &[("x-api-key", "guess")],
        &[("x-api-key", keys.admin_key.reveal())],
        &[("x-api-key", keys.webhook_secret.reveal())],
        &[("authorization", keys.event_key.reveal())],
    ] {
        let reply = send(served.address, "POST", SIGNAL, headers, "{}").await;
        assert_eq!(reply.status, 401);
        assert!(reply.json()["error"].is_string());
    }
    assert!(served.events().is_empty());
}

#[tokio::test]
async fn an_event_that_would_reach_nobody_is_an_error() {
    let served = Served::start().await;
    let headers = [("x-api-key", served.keys.event_key.reveal())];
    let signal = async |query: &str| {
        let path = format!("/api/engine/v2/signal{query}");
        send(served.address, "POST", &path, &headers, "{}").await
    };
    for query in ["", "?chanel=security/event/door"] {
        let reply = signal(query).await;
        assert_eq!(reply.status, 422);
        assert_eq!(reply.json()["parameter"], "channel");
    }
    for query in ["?channel=security/other/door", "?channel="] {
        let reply = signal(query).await;
        assert_eq!(reply.status, 404);
        let error = "the module listens to the channel security/event/door";
        assert_eq!(reply.json(), json!({ "error": error }));
    }
    assert!(served.events().is_empty());
    assert_eq!(signal("?channel=security%2Fevent%2Fdoor").await.status, 200);
}

#[tokio::test]
async fn an_idempotency_key_is_a_short_plain_word() {
    let served = Served::start().await;
    let longest = "x".repeat(64);
    let too_long = "x".repeat(65);
    assert_eq!(
        served
            .signal(&[("idempotency-key", &longest)], "{}")
            .await
            .status,
        200
    );
    for key in ["", &too_long, "a b", "a.b", "ä", "a/b"] {
        let reply = served.signal(&[("idempotency-key", key)], "{}").await;
        assert_eq!(reply.status, 400, "{key}");
        assert!(reply.json()["error"].is_string());
    }
    assert_eq!(served.events().len(), 1);
}

#[tokio::test]
async fn an_event_that_is_no_text_is_refused_and_not_mended() {
    let served = Served::start().await;
    let headers = [("x-api-key", served.keys.event_key.reveal())];
    // Beside those that UTF-8 was made to refuse, the é of another alphabet.
    for (name, odd) in NOT_UTF8.into_iter().chain([("Latin-1", &b"\xe9"[..])]) {
        let [before, after] = [&b"{\"door_id\":\"lobby\",\"action\":\""[..], b"\"}"];
        let body = [before, odd, after].concat();
        let reply = send(served.address, "POST", SIGNAL, &headers, body).await;
        assert_eq!(reply.status, 400, "{name}");
    }
    assert!(served.events().is_empty());
}
