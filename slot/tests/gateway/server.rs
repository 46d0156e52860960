//! What holds for every route.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::pretended::{NOTIFY, SIGNAL, Served};
use rig::client::send;

#[tokio::test]
async fn health_is_the_process_and_readiness_the_module() {
    let served = Served::start().await;
    assert_eq!(served.status("GET", "/readyz").await, 200);
    served.driver.ready.store(false, Ordering::SeqCst);
    let reply = served.send("GET", "/readyz", "").await;
    assert_eq!(reply.status, 503);
    assert!(reply.json()["error"].is_string());
    assert_eq!(served.status("GET", "/healthz").await, 200);
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json() {
    let served = Served::start().await;
    for path in [
        "/console",
        "/assets/",
        "/assets/main.js",
        "/api/engine/v2/webhook/trig-rhombus",
        "/healthz/",
        "/%ff",
    ] {
        let reply = served.send("GET", path, "").await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.json()["error"].is_string(), "{path}");
    }
    let reply = served.send("GET", SIGNAL, "").await;
    assert_eq!((reply.status, reply.header("allow")), (405, "POST"));
    assert!(reply.json()["error"].is_string());
    let reply = served.send("GET", &format!("{NOTIFY}/%ff"), "").await;
    assert_eq!(reply.status, 400);
    assert!(reply.json()["error"].is_string());
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let served = Served::start().await;
    let hook = served.hook();
    for path in [hook.as_str(), NOTIFY, SIGNAL, "/healthz", "/nothing"] {
        let echoed = send(
            served.address,
            "GET",
            path,
            &[("x-request-id", "mine-1")],
            "",
        )
        .await;
        assert_eq!(echoed.header("x-request-id"), "mine-1", "{path}");
        let first = served.send("GET", path, "").await;
        let second = served.send("GET", path, "").await;
        assert_eq!(first.header("x-request-id").len(), 32, "{path}");
        assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    }
    let long = "x".repeat(129);
    for hostile in [long.as_str(), "two words", ""] {
        let reply = send(
            served.address,
            "GET",
            "/healthz",
            &[("x-request-id", hostile)],
            "",
        )
        .await;
        assert_eq!(reply.header("x-request-id").len(), 32, "{hostile}");
    }
}

#[tokio::test]
async fn a_stop_lets_requests_under_way_finish_and_takes_no_more() {
    let served = Served::start().await;
    let driver = served.driver.clone();
    let (address, hook) = (served.address, served.hook());
    // One that waits for the driver, and one that was opened and says nothing.
    driver.may_answer.forget_permits(Semaphore::MAX_PERMITS);
    let under_way = tokio::spawn(async move { send(address, "POST", &hook, &[], "").await });
    while served.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let _silent = TcpStream::connect(address).await.unwrap();

    let stopped = tokio::spawn(served.gateway.stop());
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!stopped.is_finished());
    driver.may_answer.add_permits(1);

    let reply = under_way.await.unwrap();
    assert_eq!((reply.status, reply.text()), (200, "done"));
    stopped.await.unwrap();
}
