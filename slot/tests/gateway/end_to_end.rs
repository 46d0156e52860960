//! The whole of it: the real program, the driver as WebAssembly in it, and real receivers.

use placeos_slot::receive::{Finding, verify};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::program::a_place;
use crate::receive::Receiver;
use crate::subscriber::Subscriber;
use rig::client::send;
use rig::program::Access;

/// 1649030365 s since 1970, and with the secret 123456 what `openssl dgst -sha256 -hmac` makes of it.
const TIME: &str = "2022-04-03T23:59:25Z";
const SIGNATURE: &str = "a276988a8dbd35627d09708b23ca699947114a6f2ab6b38465f0e632fe264342";

#[tokio::test]
async fn the_contract_holds_through_both_forms_of_the_url() {
    let place = a_place();
    let gateway = place
        .start(&["--demo", "--swipe-every", "0", "--allow", "127.0.0.1"])
        .await;
    let mut receiver = Receiver::start(&["--secret", "123456"]);
    let url = receiver.url();
    for hook in gateway.access.hooks() {
        let ask = async |method: &str, body: Value| {
            send(gateway.address(), method, &hook, &[], body.to_string()).await
        };
        let reply = ask("POST", json!({ "webhook": url, "secret": "123456" })).await;
        assert_eq!((reply.status, reply.text()), (201, ""));

        let reply = ask("GET", json!(null)).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, "application/json")
        );
        let doors = reply.json();
        let doors = doors.as_array().unwrap();
        assert_eq!(doors.len(), 12);
        let lobby = json!({ "door_id": "lobby", "description": "Main entrance, ground floor" });
        assert!(doors.contains(&lobby), "{doors:?}");

        for (door, status) in [("lobby", 200), ("vault", 403), ("loading-dock", 501)] {
            assert_eq!(
                ask("PUT", json!({ "door_id": door })).await.status,
                status,
                "{door}"
            );
        }
        assert_eq!(ask("PUT", json!({ "door_id": "attic" })).await.status, 403);
        assert_eq!(ask("PATCH", json!({})).await.status, 404);

        let event = json!({
            "door_id": "lobby", "action": "RequestToExit", "timestamp": 1649030365,
            "card_id": 7, "user_name": "Zoë Specimen", "user_email": "zoe@example.org",
        });
        let reply = gateway.signal(event).await;
        assert_eq!(
            (reply.status, reply.text()),
            (200, r#"{"event":"accepted"}"#)
        );
        let [event, id, body, header] = receiver.lines();
        assert_eq!(
            event,
            format!("{TIME}  request_to_exit at lobby, Zoë Specimen <zoe@example.org>, card 7")
        );
        assert!(
            id.starts_with("    webhook-id             ") && !id.ends_with("none"),
            "{id}"
        );
        assert_eq!(body, "    signature in the body  right");
        assert_eq!(header, "    webhook-signature      right");

        let reply = ask("DELETE", json!({ "webhook": url })).await;
        assert_eq!((reply.status, reply.text()), (202, ""));
        assert_eq!(ask("DELETE", json!({ "webhook": url })).await.status, 404);
    }
}

#[tokio::test]
async fn an_event_reaches_a_subscriber_in_the_published_form() {
    let place = a_place();
    let gateway = place.start(&["--allow", "127.0.0.1"]).await;
    let mut signed = Subscriber::start().await;
    let mut unsigned = Subscriber::start().await;
    assert_eq!(gateway.subscribe(&signed.url(), "123456").await, 201);
    let body = json!({ "webhook": unsigned.url() });
    assert_eq!(gateway.hook("POST", body).await.status, 201);

    let event = json!({ "door_id": "lobby", "action": "granted", "timestamp": 1649030365 });
    assert_eq!(gateway.signal(event).await.status, 200);

    let post = signed.next().await;
    assert_eq!(
        post.body,
        format!(
            r#"{{"door_id":"lobby","timestamp":"{TIME}","signature":"{SIGNATURE}","action":"granted"}}"#
        )
    );
    assert_eq!(post.headers["content-type"], "application/json");
    let found = verify(Some("123456"), &post.headers, post.body.as_bytes());
    assert_eq!((found.body, found.header), (Finding::Right, Finding::Right));

    let post = unsigned.next().await;
    let body = format!(r#"{{"door_id":"lobby","timestamp":"{TIME}","action":"granted"}}"#);
    assert_eq!(post.body, body);
    let found = verify(None, &post.headers, post.body.as_bytes());
    assert_eq!(
        (found.body, found.header),
        (Finding::NotAsked, Finding::NotAsked)
    );
}

#[tokio::test]
async fn an_event_is_taken_once_under_its_id_and_never_when_it_cannot_be_read() {
    let place = a_place();
    let gateway = place.start(&[]).await;
    let path = "/api/engine/v2/signal?channel=security/event/door";
    let signal = async |id: &str, body: &'static str| {
        let key = gateway.access.event_key.as_str();
        let headers = [("x-api-key", key), ("idempotency-key", id)];
        send(gateway.address(), "POST", path, &headers, body).await
    };
    let event = r#"{"door_id":"lobby","action":"granted"}"#;
    assert_eq!(
        signal("swipe-1", event).await.text(),
        r#"{"event":"accepted"}"#
    );
    assert_eq!(
        signal("swipe-1", event).await.text(),
        r#"{"event":"known"}"#
    );
    assert_eq!(
        signal("swipe-2", event).await.text(),
        r#"{"event":"accepted"}"#
    );
    for (id, body) in [
        ("bad-1", ""),
        ("bad-2", "no JSON"),
        ("bad-3", "[]"),
        ("bad-4", r#"{"action":"granted"}"#),
        ("bad-5", r#"{"door_id":"lobby"}"#),
    ] {
        let reply = signal(id, body).await;
        assert_eq!(reply.status, 422, "{body}");
        assert!(reply.json()["error"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn a_malformed_request_is_a_400_and_changes_nothing() {
    let place = a_place();
    let gateway = place
        .start(&["--demo", "--swipe-every", "0", "--allow", "127.0.0.1"])
        .await;
    let kept = "http://127.0.0.1:9/kept";
    assert_eq!(gateway.subscribe(kept, "123456").await, 201);
    let [_, hook] = gateway.access.hooks();
    for body in [
        "",
        "no JSON",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        r#"{"webhook":null,"door_id":null}"#,
        r#"{"webhook":7,"door_id":[]}"#,
        r#"{"webhook":"","door_id":""}"#,
        r#"{"webhook":"no URL","door_id":{}}"#,
        r#"{"webhook":["http://127.0.0.1:9/kept"],"door_id":true}"#,
    ] {
        for method in ["POST", "DELETE", "PUT"] {
            let reply = send(gateway.address(), method, &hook, &[], body).await;
            assert_eq!(reply.status, 400, "{method} {body}");
            assert_eq!(reply.header("content-type"), "application/json");
            let error = reply.json();
            assert_eq!(error.as_object().unwrap().len(), 1, "{error}");
            assert!(!error["error"].as_str().unwrap().contains('\n'), "{error}");
        }
    }
    assert_eq!(gateway.unsubscribe(kept).await, 202);
    assert_eq!(gateway.unsubscribe(kept).await, 404);
}

#[tokio::test]
async fn a_receiver_is_refused_where_no_post_may_go() {
    let place = a_place();
    let gateway = place.start(&["--allow", "*.localhost"]).await;
    for (url, reason) in [
        ("http://127.0.0.1:9000/hook", "loopback"),
        ("https://10.0.0.1/hook", "private"),
        ("https://169.254.169.254/hook", "link-local"),
        ("https://[::1]/hook", "loopback"),
        ("https://elsewhere.example/hook", "allowed_hosts"),
        ("http://webhooks.rhombussystems.com/hook", "plain http"),
        // The name is allowed, and what it stands for is not.
        ("https://receiver.localhost/hook", "loopback"),
    ] {
        let reply = gateway.hook("POST", json!({ "webhook": url })).await;
        assert_eq!(reply.status, 422, "{url}");
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(reason), "{url}: {error}");
        assert_eq!(gateway.unsubscribe(url).await, 404, "{url}");
    }
}

#[tokio::test]
async fn the_settings_of_the_command_line_reach_the_driver() {
    let place = a_place();
    let mut listed = Subscriber::start().await;
    let subscriptions = json!([{ "webhook": listed.url(), "secret": "123456" }]);
    let gateway = place
        .start(&[
            "--allow=127.0.0.1",
            "--set=organization_id=\"tower\"",
            &format!("--set=subscriptions={subscriptions}"),
        ])
        .await;

    let signal = async |organization: &str| {
        let path = format!("/api/engine/v2/signal?channel=security/{organization}/door");
        let headers = [("x-api-key", gateway.access.event_key.as_str())];
        let event = r#"{"door_id":"lobby","action":"granted"}"#;
        send(gateway.address(), "POST", &path, &headers, event).await
    };
    let reply = signal("event").await;
    assert_eq!(reply.status, 404);
    assert!(
        reply.text().contains("security/tower/door"),
        "{}",
        reply.text()
    );
    assert_eq!(signal("tower").await.status, 200);
    assert!(listed.next().await.body.contains("lobby"));
    drop(gateway);

    let mut command = place.serve(&["--demo", "--swipe-every=0"]);
    command.env("PLACEOS_SLOT_SET", r#"{"contract": "deployed"}"#);
    let gateway = place.start_by(command).await;
    let doors = gateway.hook("GET", json!(null)).await.json();
    assert_eq!(doors["doors"].as_array().unwrap().len(), 12);
    assert_eq!(gateway.unsubscribe("https://unknown.example/").await, 202);
}

#[tokio::test]
async fn people_come_and_go_in_the_demo_building() {
    let place = a_place();
    let mut subscriber = Subscriber::start().await;
    let subscriptions = json!([{ "webhook": subscriber.url() }]);
    let gateway = place
        .start(&[
            "--demo",
            "--swipe-every=1",
            "--allow=127.0.0.1",
            &format!("--set=subscriptions={subscriptions}"),
        ])
        .await;
    let first = subscriber.next().await;
    let second = subscriber.next().await;
    assert_ne!(first.headers["webhook-id"], second.headers["webhook-id"]);
    let doors = gateway.hook("GET", json!(null)).await.json();
    for post in [first, second] {
        let event: Value = serde_json::from_str(&post.body).unwrap();
        let is_it = |door: &Value| door["door_id"] == event["door_id"];
        assert!(doors.as_array().unwrap().iter().any(is_it), "{event}");
    }
}

#[tokio::test]
async fn no_secret_is_in_what_the_program_prints_where_there_is_no_terminal() {
    let place = a_place();
    let mut command = place.serve(&["--demo", "--swipe-every=0", "--allow=127.0.0.1"]);
    command.env("PLACEOS_SLOT_LOG", "trace");
    let gateway = place.start_by(command).await;
    let mut subscriber = Subscriber::start().await;
    let url = format!("{}/path-is-a-token", subscriber.url());
    for hook in gateway.access.hooks() {
        let body = json!({ "webhook": url, "secret": "subscription-secret" }).to_string();
        let reply = send(
            gateway.address(),
            "POST",
            &hook,
            &[("cookie", "a-cookie")],
            body,
        )
        .await;
        assert_eq!(reply.status, 201);
    }
    gateway
        .signal(json!({ "door_id": "lobby", "action": "granted" }))
        .await;
    subscriber.next().await;
    let access = std::fs::read_to_string(place.data().join("keys.json")).unwrap();
    let keys: Value = serde_json::from_str(&access).unwrap();
    let keys = keys
        .as_object()
        .unwrap()
        .values()
        .map(|key| key.as_str().unwrap());
    let log = place.log();
    let secrets = ["path-is-a-token", "subscription-secret", "a-cookie"];
    for secret in keys.chain(secrets) {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }
    let route = "/api/engine/v2/webhook/{trigger}/notify/{secret}/{mod}/{index}/{method}";
    assert!(log.contains(route), "{log}");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(
            line["timestamp"].is_string() && line["level"].is_string(),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_signal_ends_it_in_order() {
    let place = a_place();
    let mut keys = Vec::new();
    for signal in [Signal::TERM, Signal::INT] {
        let gateway = place.start(&[]).await;
        let access = place.data().join("access.json");
        assert!(access.exists());
        let Access {
            event_key,
            admin_key,
            ..
        } = &gateway.access;
        keys.push([event_key.clone(), admin_key.clone()]);
        gateway.send_signal(signal);
        assert_eq!(gateway.ended().await.code(), Some(0), "{}", place.log());
        assert!(!access.exists());
    }
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn connections_that_say_nothing_hold_nobody_up_for_ever() {
    let place = a_place();
    let gateway = place.start(&[]).await;
    let address = gateway.address();
    let mut silent = Vec::new();
    for _ in 0..600 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let asked = tokio::spawn(async move { send(address, "GET", "/healthz", &[], "").await });
    drop(silent);
    assert_eq!(asked.await.unwrap().status, 200);
}

#[tokio::test]
async fn it_never_leaves_its_memory_behind() {
    let place = a_place();
    let gateway = place.start(&[]).await;
    let limits =
        std::fs::read_to_string(format!("/proc/{}/limits", gateway.pid().as_raw_nonzero()))
            .unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let values: Vec<&str> = core.split_whitespace().skip(4).collect();
    assert_eq!(values, ["0", "0", "bytes"], "{core}");
}
