//! What is sent, what is kept of an answer, and how a POST fails.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use placeos_slot::host::http::{Http, PostFailure};

use crate::world::{
    GENEROUS, OK, Script, Server, client, failure_of, post, read_request, status_of,
};

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn the_request_is_the_modules_and_the_answer_the_receivers() {
    let (seen, requests) = mpsc::channel();
    let server = Server::start(move |stream| {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read_request(&mut stream) {
            seen.send(request).unwrap();
            let answer = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nX-Other: no\r\nVia: a\r\nVia: b\r\n\
                          Transfer-Encoding: chunked\r\n\r\n3\r\nslo\r\n1\r\nw\r\n0\r\n\r\n";
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    let client = client(&["127.0.0.1"], Script::default());
    let mut first = post(&server.address_url());
    first.wanted = ["retry-after", "via", "absent"].map(str::to_owned).into();
    let answer = client.post(first).await.unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (429, b"slow".as_slice())
    );
    let headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(headers, [("retry-after", "7"), ("via", "a"), ("via", "b")]);

    let mut second = post(&server.address_url());
    second
        .headers
        .push(("User-Agent".to_owned(), "module/1".to_owned()));
    client.post(second).await.unwrap();

    let (head, body) = requests.recv().unwrap();
    assert!(
        head.starts_with("POST /secret-path?token=secret-query HTTP/1.1\r\n"),
        "{head}"
    );
    let mut lines: Vec<_> = head.trim_end().lines().skip(1).collect();
    lines.sort_unstable();
    let host = format!("host: {}", server.address);
    let agent = format!("user-agent: placeos-slot/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        lines,
        [
            "content-length: 11",
            &host,
            &agent,
            "x-signature: secret-header"
        ]
    );
    assert_eq!(body, "secret-body");
    let (head, _) = requests.recv().unwrap();
    assert!(head.contains("\r\nuser-agent: module/1\r\n"), "{head}");
    assert!(!head.contains("placeos-slot"), "{head}");
}

#[tokio::test]
async fn headers_that_steer_the_request_are_not_the_modules() {
    let server = Server::answering(OK);
    let client = client(&["127.0.0.1"], Script::default());
    for name in [
        "Host",
        "content-length",
        "transfer-encoding",
        "connection",
        "upgrade",
        "expect",
        "te",
        "trailer",
    ] {
        let mut steering = post(&server.address_url());
        steering
            .headers
            .push((name.to_owned(), "secret".to_owned()));
        let expected = format!(
            "the header {} is not a module's to set",
            name.to_lowercase()
        );
        assert_eq!(
            failure_of(&client, steering).await,
            PostFailure::Other(expected)
        );
    }
    for (name, value) in [
        ("x-secret name", "a"),
        ("x-name", "secret\r\nHost: elsewhere"),
    ] {
        let mut broken = post(&server.address_url());
        broken.headers.push((name.to_owned(), value.to_owned()));
        let expected = PostFailure::Other("header 2 is not one that HTTP can carry".to_owned());
        assert_eq!(failure_of(&client, broken).await, expected);
    }
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let server = Server::answering(OK);
    let client = client(&["127.0.0.1"], Script::default());
    for _ in 0..20 {
        assert_eq!(status_of(&client, post(&server.address_url())).await, 200);
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn of_a_long_answer_the_beginning_is_kept_and_the_rest_read() {
    const LIMIT: usize = 64 * 1024;
    let server = Server::answering(&format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {LIMIT}\r\n\r\n{}",
        "x".repeat(LIMIT)
    ));
    let client = client(&["127.0.0.1"], Script::default());
    for _ in 0..3 {
        let answer = client.post(post(&server.address_url())).await.unwrap();
        assert_eq!(answer.body, vec![b'x'; 4096]);
    }
    assert_eq!(
        server.accepted(),
        1,
        "read to its end, the connection can be used again"
    );

    let longer = LIMIT + 1;
    let server = Server::answering(&format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {longer}\r\n\r\n{}",
        "x".repeat(longer)
    ));
    assert_eq!(
        failure_of(&client, post(&server.address_url())).await,
        PostFailure::TooLarge
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (cut, sent) = mpsc::channel();
    let server = Server::start(move |mut stream| {
        read_request(&mut BufReader::new(&mut stream)).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .unwrap();
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let mut count: usize = 0;
        while stream.write_all(chunk.as_bytes()).is_ok() {
            count += 1;
        }
        cut.send(count).unwrap();
    });
    let client = client(&["127.0.0.1"], Script::default());
    assert_eq!(
        failure_of(&client, post(&server.address_url())).await,
        PostFailure::TooLarge
    );
    // On a thread of its own, for the client has to go on to close the connection.
    let chunks = tokio::task::spawn_blocking(move || sent.recv_timeout(GENEROUS));
    let chunks = chunks.await.unwrap().expect("the connection is still open");
    assert!(
        chunks < 1000,
        "64 KiB are read at most, the system's buffers hold a few MiB; {chunks} chunks went"
    );
}

#[tokio::test]
async fn an_endless_head_is_cut_off() {
    let many = "x-more: 1\r\n".repeat(200);
    let long = format!("x-long: {}\r\n", "x".repeat(100_000));
    let client = client(&["127.0.0.1"], Script::default());
    for headers in [many, long] {
        let server = Server::answering(&format!(
            "HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n"
        ));
        assert_eq!(
            failure_of(&client, post(&server.address_url())).await,
            PostFailure::TooLarge
        );
    }
}

#[tokio::test]
async fn the_deadline_covers_everything_to_the_end_of_the_answer() {
    let mute = |_| thread::sleep(GENEROUS);
    let silent = Server::start(mute);
    let drip = Server::start(|mut stream| {
        read_request(&mut BufReader::new(&mut stream)).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
            .unwrap();
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let client = client(&["127.0.0.1", "silent.example.test"], Script::default());
    let urls = [
        silent.address_url(),
        drip.address_url(),
        // Silent in the TLS handshake, and in DNS.
        format!("https://{}", silent.address),
        "https://silent.example.test".to_owned(),
    ];
    for url in urls {
        let mut hurried = post(&url);
        hurried.timeout = SHORT;
        assert_eq!(
            failure_of(&client, hurried).await,
            PostFailure::Timeout,
            "{url}"
        );
    }
}

#[tokio::test]
async fn nobody_there_is_refused() {
    // No other test listens on this address, so the port stays free.
    let listener = TcpListener::bind("127.0.0.9:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = client(&["127.0.0.9"], Script::default());
    let failure = failure_of(&client, post(&format!("http://{address}"))).await;
    let expected = format!("{address}: Connection refused (os error 111)");
    assert_eq!(failure, PostFailure::Refused(expected));
}

#[tokio::test]
async fn a_connection_that_breaks_is_refused() {
    let client = client(&["127.0.0.1"], Script::default());
    for beginning in [
        "",
        "HTTP/1.1 200 OK\r\nConte",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.",
    ] {
        let server = Server::start(move |mut stream| {
            read_request(&mut BufReader::new(&mut stream)).unwrap();
            stream.write_all(beginning.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let _ = stream.read(&mut [0]);
        });
        let failure = failure_of(&client, post(&server.address_url())).await;
        assert!(
            matches!(failure, PostFailure::Refused(_)),
            "{failure:?} after {beginning:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_said_to_be() {
    let server = Server::answering("220 mail.example.test ESMTP\r\n\r\n");
    let client = client(&["127.0.0.1"], Script::default());
    let failure = failure_of(&client, post(&server.address_url())).await;
    assert_eq!(
        failure,
        PostFailure::Other("invalid HTTP version parsed".to_owned())
    );
}
