//! Nothing that comes from outside makes a line of the log, or a header of an answer.

use rig::client::send;
use serde_json::{Value, json};

use crate::program::a_place;
use crate::raw::exchange;

/// A text that would forge a line, a header, colours, and the direction of writing.
const HOSTILE: &str = "x\r\nx-forged: 1\r\n\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{2028}\u{61c}\u{7f}";

#[tokio::test]
async fn every_line_of_the_log_is_one_of_the_programs_and_steers_no_terminal() {
    let place = a_place();
    let mut command = place.serve(&["--demo", "--swipe-every=0", "--allow=127.0.0.1"]);
    command.env("PLACEOS_SLOT_LOG", "trace");
    let gateway = place.start_by(command).await;
    let address = gateway.address();

    // In bodies.
    for event in [
        json!({ "door_id": HOSTILE, "action": "granted", "user_name": HOSTILE }),
        json!({ "door_id": "lobby", "action": HOSTILE, "card_id": HOSTILE }),
        json!({ "door_id": "lobby", "action": "granted", "timestamp": HOSTILE }),
        json!({ "door_id": { HOSTILE: 1 }, "action": "granted" }),
    ] {
        gateway.signal(event).await;
    }
    for (method, body) in [
        ("POST", json!({ "webhook": HOSTILE })),
        (
            "POST",
            json!({ "webhook": format!("https://x.example/{HOSTILE}") }),
        ),
        (
            "POST",
            json!({ "webhook": "http://127.0.0.1:1/", "secret": HOSTILE }),
        ),
        (
            "DELETE",
            json!({ "webhook": format!("http://127.0.0.1:1/{HOSTILE}") }),
        ),
        ("PUT", json!({ "door_id": HOSTILE })),
        ("PUT", json!({ HOSTILE: HOSTILE })),
    ] {
        gateway.hook(method, body).await;
    }
    for name in ["redeliver", "send_test_event", "door_event", "discard"] {
        let arguments = json!({ "subscription": HOSTILE, "ids": [HOSTILE], "json": HOSTILE });
        gateway
            .operator("POST", &format!("/api/functions/{name}"), arguments)
            .await;
    }
    // In what may stand in a head.
    let bidi = "\u{202e}\u{9b}31m";
    let escaped = "x%0d%0ax-forged:%201%0d%0a%1b%5b2J%e2%80%ae";
    for (path, headers) in [
        (format!("/api/functions/{escaped}"), [("x-any", bidi)]),
        (
            format!("/api/engine/v2/webhook/{escaped}/notify/{escaped}"),
            [("user-agent", bidi)],
        ),
        (format!("/{escaped}?{escaped}"), [("x-request-id", bidi)]),
        ("/api/status".to_owned(), [("authorization", bidi)]),
        (
            "/api/engine/v2/signal".to_owned(),
            [("idempotency-key", bidi)],
        ),
        ("/healthz".to_owned(), [("origin", bidi)]),
    ] {
        let reply = send(address, "GET", &path, &headers, "").await;
        assert!(reply.status >= 400, "{path}");
        assert_eq!(reply.header("x-forged"), "");
    }
    exchange(
        address,
        format!("GET /\u{1b}[2J HTTP/1.1\r\nhost: {HOSTILE}\r\n\r\n"),
    )
    .await;
    gateway.kill().await;

    let log = place.log();
    assert!(log.lines().count() > 20, "{log}");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["timestamp"].is_string(), "{line}");
        assert_ne!(line["message"], "forged");
    }
    let harmful = |char: &char| {
        (char.is_control() && *char != '\n')
            || "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}".contains(*char)
    };
    assert_eq!(log.chars().find(harmful), None);
}

#[tokio::test]
async fn what_a_caller_wrote_stays_in_the_body_of_its_answer() {
    let place = a_place();
    let gateway = place.start(&["--demo", "--swipe-every=0"]).await;
    let [_, hook] = gateway.access.hooks();
    for body in [
        json!({ "webhook": HOSTILE }),
        json!({ "webhook": format!("https://x.example/{HOSTILE}") }),
        json!({ "webhook": 1, "secret": HOSTILE }),
    ] {
        let body = body.to_string();
        let length = body.len();
        let request = format!(
            "POST {hook} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        let answer = exchange(gateway.address(), request).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("forged"), "{head}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert!(body["error"].is_string(), "{body}");
    }
    // Names of a caller's own are not repeated.
    let body = r#"{"a\r\nx-forged: 1": 1, "a\r\nx-forged: 1": 2}"#;
    let reply = send(gateway.address(), "POST", &hook, &[], body).await;
    assert_eq!(reply.status, 400);
    let sentence = "the body has a member twice";
    assert_eq!(reply.json(), json!({ "error": sentence }));
}

#[tokio::test]
async fn the_log_names_the_route_that_was_taken_and_never_the_path() {
    let place = a_place();
    let gateway = place.start(&[]).await;
    let [_, hook] = gateway.access.hooks();
    let asked = [
        ("/api/status", "/api/status", 401),
        ("/api/status?key=token-1", "/api/status", 401),
        ("/api/%73tatus", "none", 404),
        ("/api/functions/token-2", "/api/functions/{name}", 405),
        ("/token-3%2f..%2fapi/status", "none", 404),
        ("//api/status", "none", 404),
        (
            "/api/engine/v2/webhook/token-4/notify/token-5",
            "/api/engine/v2/webhook/{trigger}/notify/{secret}",
            404,
        ),
        (
            hook.as_str(),
            "/api/engine/v2/webhook/{trigger}/notify/{secret}/{mod}/{index}/{method}",
            200,
        ),
    ];
    for (number, (path, _, expected)) in asked.iter().enumerate() {
        let id = format!("asked-{number}");
        let headers = [("x-request-id", id.as_str())];
        let reply = send(gateway.address(), "GET", path, &headers, "").await;
        assert_eq!(reply.status, *expected, "{path}");
    }
    // One for another host is logged too.
    let headers = "host: token-6.example\r\nx-request-id: asked-8\r\nconnection: close\r\n";
    exchange(
        gateway.address(),
        format!("GET /api/status HTTP/1.1\r\n{headers}\r\n"),
    )
    .await;
    gateway.kill().await;

    let log = place.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = |id: &str| lines.iter().find(|line| line["id"] == id).unwrap();
    for (number, (path, route, status)) in asked.iter().enumerate() {
        let line = line(&format!("asked-{number}"));
        assert_eq!(
            (&line["route"], &line["status"]),
            (&json!(route), &json!(status)),
            "{path}"
        );
    }
    let misdirected = line("asked-8");
    assert_eq!(
        (&misdirected["route"], &misdirected["status"]),
        (&json!("/api/status"), &json!(421))
    );
    assert!(!log.contains("token-"), "{log}");
}
