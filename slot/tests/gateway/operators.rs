//! What operators ask of the gateway, and who is one.

use placeos_slot::module::CallError;
use serde_json::json;

use rig::client::send;

use crate::pretended::Served;

const ROUTES: [(&str, &str); 3] = [
    ("POST", "/api/functions/deliveries"),
    ("GET", "/api/status"),
    ("GET", "/metrics"),
];

#[tokio::test]
async fn only_the_admin_key_opens_them() {
    let served = Served::start().await;
    let admin = served.keys.admin_key.reveal();
    let cut = &admin[1..];
    let event = served.keys.event_key.reveal();
    let refused = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {cut}"),
        format!("Bearer {admin}{admin}"),
        format!("Bearer {event}"),
        format!("Bearer {}", served.secret()),
        format!("Basic {admin}"),
        admin.to_owned(),
    ];
    for (method, path) in ROUTES {
        for authorization in &refused {
            let headers = [("authorization", authorization.as_str())];
            let reply = send(served.address, method, path, &headers, "{}").await;
            assert_eq!(reply.status, 401, "{method} {path}: {authorization}");
            assert!(reply.header("www-authenticate").starts_with("Bearer"));
            assert!(reply.json()["error"].is_string());
        }
        let reply = served.send(method, path, "{}").await;
        assert_eq!(reply.status, 401, "{method} {path}");

        let lower = format!("bearer {admin}");
        let headers = [("authorization", lower.as_str())];
        let reply = send(served.address, method, path, &headers, "{}").await;
        assert_eq!(reply.status, 200, "{method} {path}");
        assert_eq!(served.operator("PATCH", path, "").await.status, 405);
    }
    assert_eq!(served.calls().len(), 1);
}

#[tokio::test]
async fn a_function_is_called_by_its_name_with_what_the_body_holds() {
    let served = Served::start().await;
    served.answers_calls(Ok(r#"{"redelivered":3}"#.to_owned()));
    for (body, arguments) in [
        (r#"{"ids":["a"]}"#, r#"{"ids":["a"]}"#),
        ("", "{}"),
        ("\n", "{}"),
        ("[]", "[]"),
    ] {
        let reply = served
            .operator("POST", "/api/functions/redeliver", body)
            .await;
        assert_eq!((reply.status, reply.text()), (200, r#"{"redelivered":3}"#));
        assert_eq!(reply.header("content-type"), "application/json");
        let call = served.calls().pop().unwrap();
        assert_eq!(call, ("redeliver".to_owned(), arguments.to_owned()));
    }
}

#[tokio::test]
async fn a_function_that_fails_says_why() {
    let served = Served::start().await;
    for (error, status, sentence) in [
        (CallError::Unknown, 404, "there is no such function"),
        (
            CallError::Invalid("ids is missing".to_owned()),
            400,
            "ids is missing",
        ),
        (
            CallError::Failed("the store failed".to_owned()),
            503,
            "the store failed",
        ),
    ] {
        served.answers_calls(Err(error));
        let reply = served
            .operator("POST", "/api/functions/redeliver", "")
            .await;
        assert_eq!(
            (reply.status, reply.json()),
            (status, json!({ "error": sentence }))
        );
    }
    let reply = served.operator("POST", "/api/functions/%ff", "").await;
    assert_eq!(reply.status, 404);
    assert!(reply.json()["error"].is_string());
    assert_eq!(
        served.operator("POST", "/api/functions/", "").await.status,
        404
    );
    assert_eq!(
        served
            .operator("POST", "/api/functions/a/b", "")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn the_status_is_all_keys_in_one_object() {
    let served = Served::start().await;
    let reply = served.operator("GET", "/api/status", "").await;
    assert_eq!((reply.status, reply.json()), (200, json!({})));
    served.status.set("pending", "3");
    served.status.set("durability", "\"disk\"");
    served.status.set("alert", "[]");
    served.status.set("pending", "4");
    let reply = served.operator("GET", "/api/status", "").await;
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(
        reply.json(),
        json!({ "pending": 4, "durability": "disk", "alert": [] })
    );
}
