//! What happens, told as it happens.

use std::net::SocketAddr;

use placeos_slot::gateway::Limits;
use placeos_slot::module::Acceptance;
use rig::client::send;
use rig::program::{LIMIT, until};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::pretended::Served;

/// A browser that listens.
struct Listener(Lines<BufReader<TcpStream>>);

impl Listener {
    /// Answers the head of what it got, and itself.
    async fn open(address: SocketAddr, header: &str) -> (String, Self) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /api/live HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{header}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut listener = Self(BufReader::new(stream).lines());
        let mut head = String::new();
        loop {
            let line = listener.line().await.unwrap();
            if line.is_empty() {
                return (head, listener);
            }
            head += &line;
            head.push('\n');
        }
    }

    /// One that was let in.
    async fn admitted(served: &Served) -> Self {
        let (head, listener) = Self::open(served.address, &bearer(served)).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        listener
    }

    /// The next event of that name.
    async fn next(&mut self, name: &str) -> Value {
        loop {
            let line = self.line().await.unwrap();
            if line == format!("event: {name}") {
                let data = self.line().await.unwrap();
                return serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            }
        }
    }

    /// Reads up to the end, which must be one in good order: the last chunk, and nothing after it.
    async fn end(mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        assert!(lines.ends_with(&["0".to_owned(), String::new()]));
        lines
    }

    async fn line(&mut self) -> Option<String> {
        let line = timeout(LIMIT, self.0.next_line()).await.unwrap();
        line.unwrap_or_default()
    }
}

fn bearer(served: &Served) -> String {
    format!("authorization: Bearer {}", served.keys.admin_key.reveal())
}

#[tokio::test]
async fn only_operators_are_told() {
    let served = Served::start().await;
    for header in [
        "x-any: 1",
        "authorization: Bearer x",
        "cookie: placeos-slot=x",
    ] {
        let (head, _) = Listener::open(served.address, header).await;
        assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    }
}

#[tokio::test]
async fn who_listens_is_told_what_there_is_and_then_what_comes() {
    let served = Served::start().await;
    served.status.set("pending", "3");
    served.status.set("alert", "[]");
    served
        .signal(
            &[],
            r#"{"door_id": "lobby", "action": "granted", "user_name": "Ann Example"}"#,
        )
        .await;
    let mut listener = Listener::admitted(&served).await;
    let happened = listener.next("doors").await;
    let [event] = happened.as_array().unwrap().as_slice() else {
        panic!("{happened}");
    };
    assert!(event["at"].as_u64().is_some_and(|at| at > 0));
    let told = ["door_id", "action", "user_name", "number"].map(|name| event[name].clone());
    assert_eq!(
        told,
        [
            json!("lobby"),
            json!("granted"),
            json!("Ann Example"),
            json!(1)
        ]
    );
    assert_eq!(
        listener.next("status").await,
        json!({ "pending": 3, "alert": [] })
    );

    served
        .signal(
            &[],
            r#"{"door_id": "vault", "action": "denied", "card_id": "7"}"#,
        )
        .await;
    let happened = listener.next("doors").await;
    assert_eq!(happened.as_array().unwrap().len(), 1);
    assert_eq!(happened[0]["door_id"], "vault");
    assert_eq!(happened[0].get("card_id"), None);
}

#[tokio::test]
async fn of_the_status_only_what_has_changed_is_told() {
    let served = Served::start().await;
    served.status.set("pending", "3");
    served.status.set("delivered", "7");
    let mut listener = Listener::admitted(&served).await;
    listener.next("status").await;
    served.status.set("pending", "3");
    served.status.set("delivered", "8");
    assert_eq!(listener.next("status").await, json!({ "delivered": 8 }));
}

#[tokio::test]
async fn only_what_was_accepted_is_told() {
    let served = Served::start().await;
    let mut listener = Listener::admitted(&served).await;
    listener.next("doors").await;
    served.takes_events_as(Ok(Acceptance::Known));
    served
        .signal(&[], r#"{"door_id": "known", "action": "granted"}"#)
        .await;
    served.answers_calls(Ok(r#"{"event":"known"}"#.to_owned()));
    let by_hand = r#"{"json": "{\"door_id\": \"by-hand\", \"action\": \"granted\"}"}"#;
    let path = "/api/functions/door_event";
    served.operator("POST", path, by_hand).await;
    served.answers_calls(Ok(r#"{"event":"accepted"}"#.to_owned()));
    served.operator("POST", path, by_hand).await;
    let happened = listener.next("doors").await;
    assert_eq!(
        (&happened[0]["door_id"], &happened[0]["number"]),
        (&json!("by-hand"), &json!(1))
    );
}

#[tokio::test]
async fn one_that_does_not_keep_up_is_let_go() {
    let served = Served::start().await;
    let listener = Listener::admitted(&served).await;
    // It takes nothing while more comes than the connection's buffers and what waits for it can hold.
    const COMING: usize = 40_000;
    let long = "x".repeat(250);
    let event = json!({ "door_id": long, "action": long }).to_string();
    for _ in 0..COMING {
        let accepted = served.watched.door_event(event.clone(), None).await;
        assert_eq!(accepted, Ok(Acceptance::Accepted));
    }
    let told = listener.end().await;
    let told = told.iter().filter(|line| *line == "event: doors").count();
    assert!(told < COMING, "{told}");
    // It comes again, and begins with all that is remembered.
    let happened = Listener::admitted(&served).await.next("doors").await;
    assert_eq!(
        happened.as_array().unwrap().last().unwrap()["number"],
        COMING
    );
}

#[tokio::test]
async fn only_so_many_consoles_are_told() {
    let most = Limits::default().listeners;
    let served = Served::start().await;
    let mut listeners = Vec::new();
    for _ in 0..most {
        listeners.push(Listener::admitted(&served).await);
    }
    let reply = served.operator("GET", "/api/live", "").await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "1"));
    assert!(reply.json()["error"].is_string());
    // One goes, and another one may come.
    listeners.pop();
    served.status.set("pending", "1");
    until("a place", async || {
        let (head, _) = Listener::open(served.address, &bearer(&served)).await;
        head.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
}

#[tokio::test]
async fn whoever_logs_out_hears_nothing_more() {
    let served = Served::start().await;
    let origin = format!("http://{}", served.address);
    let body = format!(r#"{{"key": "{}"}}"#, served.keys.admin_key.reveal());
    let headers = [("origin", origin.as_str())];
    let reply = send(served.address, "POST", "/login", &headers, body).await;
    let cookie = reply.header("set-cookie").split(';').next().unwrap();
    let (head, mut listener) = Listener::open(served.address, &format!("cookie: {cookie}")).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    listener.next("doors").await;
    let headers = [headers[0], ("cookie", cookie)];
    send(served.address, "POST", "/logout", &headers, "").await;
    listener.end().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_those_who_listen() {
    let served = Served::start().await;
    let mut listener = Listener::admitted(&served).await;
    listener.next("doors").await;
    served.gateway.stop().await;
    listener.end().await;
}
