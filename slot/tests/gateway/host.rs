//! A request is served only if it is addressed to this gateway.

use crate::pretended::{SIGNAL, Served};
use crate::program::a_place;
use crate::raw::{exchange, statuses};

/// A request with these lines for the host, and the answer's status.
async fn ask(served: &Served, target: &str, hosts: &str) -> (u16, String) {
    let request = format!("GET {target} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
    let answer = exchange(served.address, request).await;
    (statuses(&answer)[0], answer)
}

#[tokio::test]
async fn names_and_addresses_of_this_gateway_are_served() {
    let served = Served::start().await;
    let port = served.address.port();
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        "LocalHost".to_owned(),
        "127.0.0.1".to_owned(),
        "[::1]:9999".to_owned(),
        "gate.example".to_owned(),
        "GATE.EXAMPLE:443".to_owned(),
    ] {
        let (status, answer) = ask(&served, "/healthz", &format!("host: {host}\r\n")).await;
        assert_eq!(status, 200, "{host}: {answer}");
    }
}

#[tokio::test]
async fn another_host_is_a_421_on_every_route_and_is_told_what_to_do() {
    let served = Served::start().await;
    let hook = served.hook();
    for target in [
        hook.as_str(),
        SIGNAL,
        "/api/status",
        "/metrics",
        "/healthz",
        "/readyz",
        "/",
    ] {
        for host in [
            "evil.example",
            "evil.example:8080",
            "10.9.8.7",
            "gate.example.",
            "0.0.0.0",
        ] {
            let (status, answer) = ask(&served, target, &format!("host: {host}\r\n")).await;
            assert_eq!(status, 421, "{target} {host}: {answer}");
            let name = host.strip_suffix(":8080").unwrap_or(host);
            let sentence = format!(
                "this gateway is not known as {name}; if it should be, start it with --host {name}"
            );
            assert!(answer.contains(&sentence), "{answer}");
        }
    }
    assert!(served.requests().is_empty());
}

#[tokio::test]
async fn a_host_that_http_does_not_allow_is_a_400() {
    let served = Served::start().await;
    for hosts in [
        "",
        "host:\r\n",
        "host: localhost\r\nhost: localhost\r\n",
        "host: localhost\r\nhost: evil.example\r\n",
        "host: localhost, evil.example\r\n",
        "host: user@localhost\r\n",
        "host: localhost:port\r\n",
        "host: localhost:99999\r\n",
        "host: localhost/api\r\n",
        "host: http://localhost\r\n",
        "host: ::1\r\n",
        "host: l\u{f6}calhost\r\n",
    ] {
        let (status, answer) = ask(&served, &served.hook(), hosts).await;
        assert_eq!(status, 400, "{hosts}: {answer}");
    }
    assert!(served.requests().is_empty());
}

#[tokio::test]
async fn a_host_in_the_target_must_be_this_gateway_too() {
    let served = Served::start().await;
    let own = "host: localhost\r\n";
    for (target, hosts, expected) in [
        ("http://localhost/healthz", own, 200),
        ("http://gate.example:80/healthz", own, 200),
        ("http://evil.example/healthz", own, 421),
        ("http://localhost/healthz", "host: evil.example\r\n", 421),
        ("http://user@localhost/healthz", own, 400),
        ("http://localhost/healthz", "", 400),
    ] {
        let (status, answer) = ask(&served, target, hosts).await;
        assert_eq!(status, expected, "{target} {hosts}: {answer}");
    }
}

#[tokio::test]
async fn http_1_0_has_to_say_the_host_as_well() {
    let served = Served::start().await;
    let without = exchange(served.address, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert_eq!(statuses(&without), [421], "{without}");
    assert!(without.contains("header Host"), "{without}");
    let with = "GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n";
    assert_eq!(statuses(&exchange(served.address, with).await), [200]);
}

#[tokio::test]
async fn names_are_given_by_a_flag_or_a_variable() {
    let place = a_place();
    let by_flag = place.start(&["--host=a.example", "--host=B.example"]).await;
    let other = a_place();
    let mut command = other.serve(&[]);
    command.env("PLACEOS_SLOT_HOST", "a.example,b.example");
    let by_variable = other.start_by(command).await;
    for gateway in [by_flag, by_variable] {
        for (host, expected) in [
            ("a.example", 200),
            ("b.example:443", 200),
            ("c.example", 421),
        ] {
            let lines = format!("host: {host}\r\nconnection: close\r\n");
            let request = format!("GET /readyz HTTP/1.1\r\n{lines}\r\n");
            let answer = exchange(gateway.address(), request).await;
            assert_eq!(statuses(&answer), [expected], "{host}: {answer}");
        }
    }
}
