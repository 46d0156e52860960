//! Where a request ends is never in doubt: what a proxy in front might take for its body is not served
//! as a request, and the reverse.

use crate::pretended::Served;
use crate::raw::{exchange, statuses};

/// Sends a POST of these lines and this body to the webhook, and at once a GET, which ends the
/// connection. The answers' statuses, and what the module was asked: methods and bodies.
async fn outcome(lines: &str, body: &str) -> (Vec<u16>, Vec<(String, String)>) {
    let served = Served::start().await;
    let hook = served.hook();
    let post = format!("POST {hook} HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n{body}");
    let get = format!("GET {hook} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let answers = exchange(served.address, post + &get).await;
    let asked = served.requests().into_iter().map(|request| {
        let body = String::from_utf8(request.body).unwrap();
        (request.method, body)
    });
    (statuses(&answers), asked.collect())
}

fn asked(requests: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(method, body): &(&str, &str)| ((*method).to_owned(), (*body).to_owned());
    requests.iter().map(owned).collect()
}

#[tokio::test]
async fn requests_that_follow_each_other_are_served_one_by_one() {
    for (lines, body) in [
        ("content-length: 2\r\n", "{}"),
        ("transfer-encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
        (
            "Transfer-Encoding: Chunked\r\n",
            "2;x=y\r\n{}\r\n0\r\nx-trailer: 1\r\n\r\n",
        ),
        // A length that is repeated, and is the same, is one.
        ("content-length: 2\r\ncontent-length: 2\r\n", "{}"),
    ] {
        let outcome = outcome(lines, body).await;
        let expected = (vec![200, 200], asked(&[("POST", "{}"), ("GET", "")]));
        assert_eq!(outcome, expected, "{lines}");
    }
}

#[tokio::test]
async fn of_a_length_and_chunks_the_chunks_count_and_nothing_after_them() {
    let hidden = "DELETE / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for lines in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 50\r\ntransfer-encoding: chunked\r\n",
        "content-length: x\r\ntransfer-encoding: chunked\r\n",
    ] {
        let (statuses, requests) = outcome(lines, &format!("0\r\n\r\n{hidden}")).await;
        if lines.contains(": x") {
            assert_eq!((statuses, requests), (vec![400], vec![]), "{lines}");
        } else {
            assert_eq!(
                (statuses, requests),
                (vec![200], asked(&[("POST", "")])),
                "{lines}"
            );
        }
    }
}

#[tokio::test]
async fn a_length_that_is_none_is_refused() {
    for lines in [
        "content-length: 2\r\ncontent-length: 3\r\n",
        "content-length: 2, 2\r\n",
        "content-length: 2, 3\r\n",
        "content-length: +2\r\n",
        "content-length: -2\r\n",
        "content-length: 2.0\r\n",
        "content-length: 0x2\r\n",
        "content-length: 2 2\r\n",
        "content-length: two\r\n",
        "content-length:\r\n",
        "content-length: 18446744073709551616\r\n",
        "content-length: 99999999999999999999999999\r\n",
        // What looks like a length, and is not.
        "content-length : 2\r\n",
        " content-length: 2\r\n",
        "content-length:\r\n 2\r\n",
        "content-length\r\n",
        "content-length: 2\0\r\n",
        "content-length: 2\rx: y\r\n",
        "content\u{0}-length: 2\r\n",
    ] {
        assert_eq!(outcome(lines, "{}").await, (vec![400], vec![]), "{lines:?}");
    }
}

#[tokio::test]
async fn a_coding_that_is_not_plainly_chunked_is_refused() {
    for (lines, expected) in [
        ("transfer-encoding: xchunked\r\n", 400),
        ("transfer-encoding: chunked-x\r\n", 400),
        ("transfer-encoding: chunked, identity\r\n", 400),
        ("transfer-encoding: identity\r\n", 400),
        ("transfer-encoding: \"chunked\"\r\n", 400),
        ("transfer-encoding:\r\n", 400),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
            400,
        ),
        ("transfer-encoding : chunked\r\n", 400),
        ("transfer-encoding:\r\n chunked\r\n", 400),
        ("transfer-encoding: chunked\r\n x\r\n", 400),
        ("transfer-encoding: \u{b}chunked\r\n", 400),
        ("transfer-encoding: gzip, chunked\r\n", 501),
        ("transfer-encoding: identity, chunked\r\n", 501),
        ("transfer-encoding: chunked, chunked\r\n", 501),
        ("transfer-encoding: , chunked\r\n", 501),
        (
            "transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
            501,
        ),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            501,
        ),
    ] {
        // A body of which nothing would be left, however it is read.
        let (statuses, requests) = outcome(lines, "0\r\n\r\n").await;
        assert_eq!(statuses.first(), Some(&expected), "{lines:?}");
        let first = requests.first().map(|(method, _)| method.as_str());
        assert_ne!(first, Some("POST"), "{lines:?}");
    }
}

#[tokio::test]
async fn a_chunk_that_is_none_breaks_the_body_off_and_ends_the_connection() {
    let extension = format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(17 * 1024));
    for body in [
        "fffffffffffffffff\r\nx\r\n0\r\n\r\n",
        "10000000000000000\r\nx\r\n0\r\n\r\n",
        "-1\r\nx\r\n0\r\n\r\n",
        "+1\r\nx\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n",
        "x\r\nx\r\n0\r\n\r\n",
        "\r\nx\r\n0\r\n\r\n",
        "1\r\nxyz\r\n0\r\n\r\n",
        "1\rx\r\nx\r\n0\r\n\r\n",
        "1\nx\n0\n\n",
        "1;a\nb\r\nx\r\n0\r\n\r\n",
        extension.as_str(),
    ] {
        let outcome = outcome("transfer-encoding: chunked\r\n", body).await;
        assert_eq!(
            outcome,
            (vec![400], vec![]),
            "{:?}",
            &body[..20.min(body.len())]
        );
    }
}

#[tokio::test]
async fn a_refused_body_is_not_read_as_a_request() {
    let served = Served::start().await;
    let hook = served.hook();
    let hidden = format!("DELETE {hook} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let length = hidden.len();
    for (target, lines) in [
        ("/nothing", ""),
        (
            "/api/engine/v2/webhook/trig-rhombus/notify/guess/Rhombus/1/request",
            "",
        ),
        (
            "/api/engine/v2/signal?channel=security/event/door",
            "x-api-key: guess\r\n",
        ),
        ("/api/status", ""),
        (hook.as_str(), "origin: https://elsewhere.example\r\n"),
    ] {
        let post = format!(
            "POST {target} HTTP/1.1\r\nhost: localhost\r\n{lines}\
             content-length: {length}\r\n\r\n{hidden}"
        );
        let end = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let answers = statuses(&exchange(served.address, post + end).await);
        assert!(
            answers.len() <= 2 && answers[0] >= 400,
            "{target}: {answers:?}"
        );
    }
    assert!(served.requests().is_empty());
}

#[tokio::test]
async fn a_line_may_end_with_a_line_feed_alone_and_with_nothing_less() {
    let served = Served::start().await;
    let ask = async |request: &str| statuses(&exchange(served.address, request).await);
    let get = "GET /healthz HTTP/1.1\nhost: localhost\nconnection: close\n\n";
    assert_eq!(ask(get).await, [200]);
    let get = "GET /healthz HTTP/1.1\rhost: localhost\rconnection: close\r\r\n\r\n";
    assert_eq!(ask(get).await, [400]);
}
