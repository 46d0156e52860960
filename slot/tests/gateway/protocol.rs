//! Only HTTP/1 is spoken, and a method means what it says.

use rig::client::send;

use crate::pretended::Served;
use crate::raw::{exchange, statuses};

#[tokio::test]
async fn another_protocol_is_refused() {
    let served = Served::start().await;
    let h2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // Whoever speaks HTTP/2 could not read an answer in HTTP/1.
    assert_eq!(exchange(served.address, h2).await, "");
    for request in [
        "GET /healthz\r\n\r\n",
        "GET /healthz HTTP/0.9\r\nhost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.2\r\nhost: localhost\r\n\r\n",
        "GET /healthz HTTP/2.0\r\nhost: localhost\r\n\r\n",
        "GET /healthz http/1.1\r\nhost: localhost\r\n\r\n",
        "GET  /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "GET /health z HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "G\u{0}T /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}\r\n\r\n",
    ] {
        let answer = exchange(served.address, request).await;
        assert_eq!(statuses(&answer), [400], "{request:?}");
    }
}

#[tokio::test]
async fn nothing_is_upgraded_tunnelled_or_traced() {
    let served = Served::start().await;
    let ask = async |request: String| exchange(served.address, request).await;
    let end = "host: localhost\r\nconnection: close\r\n\r\n";
    for target in ["localhost:80", "127.0.0.1:22"] {
        let answer = ask(format!("CONNECT {target} HTTP/1.1\r\n{end}")).await;
        assert_eq!(statuses(&answer), [404], "{answer}");
    }
    let answer = ask(format!("CONNECT evil.example:443 HTTP/1.1\r\n{end}")).await;
    assert_eq!(statuses(&answer), [421], "{answer}");
    for path in ["/healthz", "/metrics", "/nothing", &served.hook()] {
        let answer = ask(format!(
            "TRACE {path} HTTP/1.1\r\nx-secret: not-to-be-shown\r\n{end}"
        ))
        .await;
        assert!([404, 405].contains(&statuses(&answer)[0]), "{answer}");
        assert!(!answer.contains("not-to-be-shown"), "{answer}");
    }
    let upgrade =
        "connection: upgrade, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
    let answer = ask(format!(
        "GET /healthz HTTP/1.1\r\n{upgrade}host: localhost\r\n\r\n"
    ))
    .await;
    assert_eq!(statuses(&answer), [200], "{answer}");
    let answer = ask(format!("OPTIONS * HTTP/1.1\r\n{end}")).await;
    assert_eq!(statuses(&answer), [404], "{answer}");
}

#[tokio::test]
async fn a_method_is_that_of_the_first_line_whatever_headers_say() {
    let served = Served::start().await;
    let hook = served.hook();
    for header in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let path = format!("{hook}?_method=DELETE");
        let reply = send(served.address, "POST", &path, &[(header, "DELETE")], "{}").await;
        assert_eq!(reply.status, 200);
    }
    assert!(
        served
            .requests()
            .iter()
            .all(|request| request.method == "POST")
    );
    for method in ["get", "Post", "DELETEX"] {
        assert_eq!(served.status(method, &hook).await, 404, "{method}");
    }
    assert_eq!(served.requests().len(), 3);
}
