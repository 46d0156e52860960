//! Doors for operators: the driver's own, asked in their name.

use serde_json::{Value, json};

use crate::pretended::{Served, triple};

#[tokio::test]
async fn the_doors_are_the_drivers_in_either_contract() {
    let served = Served::start().await;
    let doors = json!([{ "door_id": "lobby", "description": "Main entrance" }]);
    for body in [doors.clone(), json!({ "doors": doors })] {
        served.answers(triple(200, &[], &body.to_string()));
        let reply = served.operator("GET", "/api/doors", "").await;
        assert_eq!((reply.status, reply.json()), (200, doors.clone()));
    }
    let failure = json!({ "error": "no list can be had" });
    served.answers(triple(502, &[], &failure.to_string()));
    let reply = served.operator("GET", "/api/doors", "").await;
    assert_eq!((reply.status, reply.json()), (502, failure));
    let asked = served.requests();
    assert!(asked.iter().all(|one| one.method == "GET"));
    assert!(
        asked
            .iter()
            .all(|one| one.caller.as_deref() == Some("operator"))
    );
}

#[tokio::test]
async fn an_unlock_is_asked_in_the_operators_name() {
    let served = Served::start().await;
    for (status, body, shown) in [
        (200, "", json!({})),
        (403, r#"{"error":"refused"}"#, json!({ "error": "refused" })),
        (501, r#"{"error":"no lock"}"#, json!({ "error": "no lock" })),
    ] {
        served.answers(triple(status, &[], body));
        let reply = served
            .operator("POST", "/api/doors/unlock", r#"{"door_id": "lobby"}"#)
            .await;
        assert_eq!((reply.status, reply.json()), (status, shown));
        let asked = served.requests().pop().unwrap();
        assert_eq!(
            (asked.method.as_str(), asked.caller.as_deref()),
            ("PUT", Some("operator"))
        );
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        assert_eq!(body, json!({ "door_id": "lobby" }));
    }
    let before = served.requests().len();
    assert_eq!(
        served.operator("GET", "/api/doors/unlock", "").await.status,
        405
    );
    assert_eq!(
        served.send("POST", "/api/doors/unlock", "{}").await.status,
        401
    );
    assert_eq!(served.requests().len(), before);
}

#[tokio::test]
async fn an_answer_that_is_not_usable_is_said_to_be_so() {
    let served = Served::start().await;
    for answer in [triple(200, &[], "<html>"), triple(7, &[], "[]")] {
        served.answers(answer);
        let reply = served.operator("GET", "/api/doors", "").await;
        assert_eq!(reply.status, 500);
        assert!(reply.json()["error"].is_string());
    }
}
