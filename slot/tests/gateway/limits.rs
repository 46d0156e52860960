//! Every bound has an honest answer, a line in the README and a test.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use placeos_slot::gateway::Limits;
use rhombus_driver::book::Book;
use rhombus_driver::door::{DoorEvent, DoorId};
use rhombus_driver::subscription::{Secret, SubscriberUrl};
use tokio::sync::Semaphore;

use rig::client::send;
use rig::program::until;

use crate::pretended::{SIGNAL, Served, triple};
use crate::raw::{Raw, exchange, statuses};

#[tokio::test]
async fn a_url_is_at_most_so_long() {
    let served = Served::start().await;
    let most = Limits::default().target_bytes;
    for (length, expected) in [(most, 404), (most + 1, 414), (most + most / 2, 414)] {
        let path = format!("/{}", "x".repeat(length - 1));
        let reply = send(served.address, "GET", &path, &[], "").await;
        assert_eq!(reply.status, expected, "{length}");
        assert!(reply.json()["error"].is_string());
    }
}

#[tokio::test]
async fn a_head_is_at_most_so_large() {
    let served = Served::start().await;
    let most = Limits::default().head_bytes;
    let first = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-any: ";
    for (length, expected) in [(most, 200), (most + 1, 431), (2 * most, 431)] {
        let value = "x".repeat(length - first.len() - "\r\n\r\n".len());
        let answer = exchange(served.address, format!("{first}{value}\r\n\r\n")).await;
        assert_eq!(statuses(&answer), [expected], "{length}");
    }
    assert_eq!(served.status("GET", "/healthz").await, 200);
}

#[tokio::test]
async fn a_head_has_at_most_100_fields() {
    let served = Served::start().await;
    for (fields, expected) in [(100, 200), (101, 431)] {
        let more = "x: y\r\n".repeat(fields - 2);
        let first = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
        let answer = exchange(served.address, format!("{first}{more}\r\n")).await;
        assert_eq!(statuses(&answer), [expected], "{fields}");
    }
}

#[tokio::test]
async fn a_body_is_at_most_so_large() {
    let served = Served::start().await;
    let most = Limits::default().body_bytes;
    let bearer = format!("Bearer {}", served.keys.admin_key.reveal());
    let keys = [
        ("x-api-key", served.keys.event_key.reveal()),
        ("authorization", bearer.as_str()),
    ];
    let call = "/api/functions/discard";
    for path in [served.hook().as_str(), SIGNAL, call] {
        let largest = vec![b' '; most];
        let reply = send(served.address, "POST", path, &keys, largest).await;
        assert_eq!(reply.status, 200, "{path}");

        let [(_, key), (_, bearer)] = keys;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n\
             authorization: {bearer}\r\n"
        );
        let announced = format!("{head}content-length: {}\r\n\r\n", most + 1);
        let sent = format!("{announced}{}", " ".repeat(most + 1));
        let huge = format!("{head}content-length: 9999999999999999\r\n\r\n");
        let chunk = format!("{most:x}\r\n{}\r\n", " ".repeat(most));
        let grown = format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}1\r\n \r\n");
        let expected = format!(
            "{head}expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            most + 1
        );
        for request in [announced, sent, huge, grown, expected] {
            let answer = exchange(served.address, request).await;
            assert_eq!(statuses(&answer), [413], "{path}");
            assert!(answer.contains("the body is larger than"), "{answer}");
        }
    }
    assert_eq!((served.requests().len(), served.events().len()), (1, 1));
    assert_eq!(served.calls().len(), 1);
}

#[tokio::test]
async fn who_sends_a_body_that_is_too_large_comes_to_read_the_answer() {
    let served = Served::start().await;
    // Much of it is still on its way when the answer is given.
    let body = vec![b' '; 250 * 1024];
    let reply = send(served.address, "POST", &served.hook(), &[], body).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn a_body_without_end_is_ended() {
    let served = Served::start().await;
    let mut raw = Raw::open(served.address).await;
    let hook = served.hook();
    raw.send(format!(
        "POST {hook} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    ))
    .await;
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    while raw.can_send(&chunk).await {}
    assert!(served.requests().is_empty());
}

#[tokio::test]
async fn an_answer_is_at_most_so_large() {
    let served = Served::start().await;
    let most = Limits::default().answer_bytes;
    for (length, expected) in [(most, 200), (most + 1, 500)] {
        served.answers(triple(200, &[], &"x".repeat(length)));
        let reply = served.send("GET", &served.hook(), "").await;
        assert_eq!(reply.status, expected, "{length}");
        served.answers_calls(Ok("x".repeat(length)));
        let reply = served
            .operator("POST", "/api/functions/deliveries", "")
            .await;
        assert_eq!(reply.status, expected, "{length}");
    }
}

#[tokio::test]
async fn more_requests_than_are_worked_on_are_told_to_come_again() {
    let served = Served::start_within(Limits {
        webhook_requests: 2,
        ..Limits::default()
    })
    .await;
    served
        .driver
        .may_answer
        .forget_permits(Semaphore::MAX_PERMITS);
    let (address, hook) = (served.address, served.hook());
    let ask = || {
        let hook = hook.clone();
        tokio::spawn(async move { send(address, "PUT", &hook, &[], "").await.status })
    };
    // One waits, the other hangs up; what was begun for it goes on, and keeps its place.
    let waiting = ask();
    let hung_up = ask();
    until("two requests", async || {
        (served.requests().len() == 2).then_some(())
    })
    .await;
    hung_up.abort();
    let _ = hung_up.await;

    let reply = served.send("PUT", &hook, "").await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "1"));
    assert!(reply.json()["error"].is_string());
    // Others have places of their own.
    assert_eq!(served.signal(&[], "{}").await.status, 200);
    assert_eq!(
        served
            .operator("POST", "/api/functions/discard", "")
            .await
            .status,
        200
    );
    assert_eq!(served.status("GET", "/healthz").await, 200);

    served.driver.may_answer.add_permits(3);
    assert_eq!(waiting.await.unwrap(), 200);
    until("a place", async || {
        (served.status("PUT", &hook).await == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn events_and_operators_have_places_of_their_own() {
    let served = Served::start_within(Limits {
        event_requests: 0,
        operator_requests: 0,
        ..Limits::default()
    })
    .await;
    let event = served.signal(&[], "{}").await;
    let call = served.operator("POST", "/api/functions/discard", "").await;
    for reply in [event, call] {
        assert_eq!((reply.status, reply.header("retry-after")), (503, "1"));
    }
    assert!(served.events().is_empty() && served.calls().is_empty());
    assert_eq!(served.status("GET", &served.hook()).await, 200);
    // What operators look at is not worked on by the module.
    assert_eq!(served.operator("GET", "/api/status", "").await.status, 200);
}

#[tokio::test]
async fn more_webhook_requests_a_second_are_refused_and_others_are_not() {
    let served = Served::start_within(Limits {
        webhook_requests_a_second: 1,
        ..Limits::default()
    })
    .await;
    let hook = served.hook();
    let refused = until("a refusal", async || {
        let reply = served.send("GET", &hook, "").await;
        (reply.status != 200).then_some(reply)
    })
    .await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert!(refused.json()["error"].is_string());
    assert_eq!(served.signal(&[], "{}").await.status, 200);
    assert_eq!(
        served
            .operator("POST", "/api/functions/discard", "")
            .await
            .status,
        200
    );
    until("a second", async || {
        (served.status("GET", &hook).await == 200).then_some(())
    })
    .await;
}

/// A line of the README's table: what is bounded, by how much, and where its test is.
struct Held {
    what: &'static str,
    at_most: String,
    /// A fixture, or the file of a test.
    shown_by: &'static str,
    /// The test in that file.
    test: Option<&'static str>,
}

fn held() -> Vec<Held> {
    let limits = Limits::default();
    let fixture = |what, at_most, shown_by| Held {
        what,
        at_most,
        shown_by,
        test: None,
    };
    let test = |what, at_most, shown_by, test| Held {
        what,
        at_most,
        shown_by,
        test: Some(test),
    };
    let here = |what, at_most, name| test(what, at_most, "slot/tests/gateway/limits.rs", name);
    let slow =
        |what, at_most, name| test(what, at_most, "slot/tests/gateway/slow_clients.rs", name);
    vec![
        fixture(
            "a webhook's URL, as it came and as it is written in ASCII",
            bytes(SubscriberUrl::MAX_BYTES),
            "tests/fixtures/malformed/webhook-too-long.json",
        ),
        fixture(
            "a secret",
            bytes(Secret::MAX_BYTES),
            "tests/fixtures/malformed/secret-too-long.json",
        ),
        fixture(
            "subscriptions of a module",
            count(Book::MAX),
            "tests/fixtures/post/too-many.json",
        ),
        fixture(
            "a door's id",
            bytes(DoorId::MAX_BYTES),
            "tests/fixtures/malformed/door-id-too-long.json",
        ),
        fixture(
            "levels of a body's JSON",
            "127".to_owned(),
            "tests/fixtures/malformed/nested-too-deep.json",
        ),
        fixture(
            "an event",
            bytes(DoorEvent::MAX_BYTES),
            "tests/fixtures/rejected/too-large.json",
        ),
        test(
            "an `Idempotency-Key`",
            "64 characters".to_owned(),
            "slot/tests/gateway/signal.rs",
            "an_idempotency_key_is_a_short_plain_word",
        ),
        here(
            "a request's URL, of a head that is not too large",
            bytes(limits.target_bytes),
            "a_url_is_at_most_so_long",
        ),
        here(
            "a request's head",
            bytes(limits.head_bytes),
            "a_head_is_at_most_so_large",
        ),
        here(
            "header fields in it",
            "100".to_owned(),
            "a_head_has_at_most_100_fields",
        ),
        slow(
            "the wait for a head, or for the next request",
            seconds(limits.head_time),
            "a_head_that_does_not_come_ends_the_connection",
        ),
        here(
            "a request's body",
            bytes(limits.body_bytes),
            "a_body_is_at_most_so_large",
        ),
        slow(
            "the wait for a body",
            seconds(limits.body_time),
            "a_body_that_does_not_come_is_answered_408",
        ),
        here(
            "an answer of the driver",
            bytes(limits.answer_bytes),
            "an_answer_is_at_most_so_large",
        ),
        slow(
            "the wait until an answer is taken",
            seconds(limits.answer_time),
            "who_does_not_take_an_answer_is_cut_off",
        ),
        slow(
            "connections",
            count(limits.connections),
            "whoever_asks_gets_in_beside_any_number_of_silent_ones",
        ),
        here(
            "webhook requests that the driver works on",
            count(limits.webhook_requests),
            "more_requests_than_are_worked_on_are_told_to_come_again",
        ),
        here(
            "webhook requests a second that it is given",
            count(limits.webhook_requests_a_second as usize),
            "more_webhook_requests_a_second_are_refused_and_others_are_not",
        ),
        here(
            "door events that it works on",
            count(limits.event_requests),
            "events_and_operators_have_places_of_their_own",
        ),
        here(
            "operators' calls that it works on",
            count(limits.operator_requests),
            "events_and_operators_have_places_of_their_own",
        ),
        test(
            "consoles that are told what happens",
            count(limits.listeners),
            "slot/tests/gateway/live.rs",
            "only_so_many_consoles_are_told",
        ),
        fixture(
            "an attempt to deliver",
            "10 seconds".to_owned(),
            "tests/fixtures/delivery/timeout.json",
        ),
        fixture(
            "an unlock",
            "10 seconds".to_owned(),
            "tests/fixtures/put/too-slow-door.json",
        ),
        fixture(
            "unlocks of a door",
            "20 at once, then one in 3 seconds".to_owned(),
            "tests/fixtures/unlock/door-too-often.json",
        ),
        fixture(
            "unlocks by a caller; a trigger is one",
            "1,000 at once, then ten a second".to_owned(),
            "tests/fixtures/unlock/caller-too-often.json",
        ),
        fixture(
            "a security system's list of doors",
            "5 seconds".to_owned(),
            "tests/fixtures/get/too-slow-system.json",
        ),
    ]
}

fn count(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}

fn bytes(number: usize) -> String {
    const MIB: usize = 1024 * 1024;
    match number {
        0..4096 => format!("{} bytes", count(number)),
        4096..MIB => format!("{} KiB", number / 1024),
        _ => format!("{} MiB", number / MIB),
    }
}

fn seconds(time: std::time::Duration) -> String {
    format!("{} seconds", time.as_secs())
}

/// The rows of the table under the README's heading `Limits`.
fn rows(readme: &str) -> Vec<Vec<String>> {
    let (_, section) = readme.split_once("\n## Limits\n").unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with('|'));
    let table = table.take_while(|line| line.starts_with('|')).skip(2);
    table
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
}

#[test]
fn the_readme_lists_every_limit_as_it_is_with_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let held = held();
    let rows = rows(&read("README.md"));
    for (held, row) in held.iter().zip(&rows) {
        let [what, at_most, beyond, shown_by] = row.as_slice() else {
            panic!("a row of four cells: {row:?}");
        };
        assert_eq!((what.as_str(), at_most), (held.what, &held.at_most));
        assert!(!beyond.is_empty(), "{what}");
        assert_eq!(*shown_by, format!("`{}`", held.shown_by), "{what}");
        let file = read(held.shown_by);
        if let Some(test) = held.test {
            assert!(file.contains(&format!("\nasync fn {test}() {{")), "{test}");
        }
    }
    assert_eq!(held.len(), rows.len());
    let names: BTreeSet<_> = held.iter().map(|held| held.what).collect();
    assert_eq!(names.len(), held.len());
    // Past what captures the output of tests; on a line of its own, whatever has begun one.
    let line = format!("\nlimits: {} held, each with its test\n", held.len());
    io::stdout().lock().write_all(line.as_bytes()).unwrap();
}
