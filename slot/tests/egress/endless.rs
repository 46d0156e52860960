//! A receiver that means ill holds a delivery up until its deadline, and takes no memory by it.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use placeos_slot::host::http::{Http, PostFailure};

use crate::world::{GENEROUS, OK, Script, Server, client, failure_of, post, read_request};

const SHORT: Duration = Duration::from_millis(500);

/// A server that writes `beginning` to whoever sends a request, then `again` and again, with a pause
/// between, until it is hung up on; how often it wrote is told.
fn endless(
    beginning: &'static str,
    again: impl Into<Vec<u8>>,
    pause: Duration,
) -> (Server, mpsc::Receiver<usize>) {
    let (tell, told) = mpsc::channel();
    let again = again.into();
    let server = Server::start(move |mut stream: TcpStream| {
        read_request(&mut BufReader::new(&mut stream)).unwrap();
        stream.write_all(beginning.as_bytes()).unwrap();
        let mut times = 0;
        while stream.write_all(&again).is_ok() {
            times += 1;
            thread::sleep(pause);
        }
        tell.send(times).unwrap();
    });
    (server, told)
}

/// Waits until the server was hung up on.
async fn hung_up(told: mpsc::Receiver<usize>) -> usize {
    let told = tokio::task::spawn_blocking(move || told.recv_timeout(GENEROUS));
    let times = told.await.unwrap();
    times.unwrap_or_else(|_| panic!("the connection is still open"))
}

#[tokio::test]
async fn what_never_comes_to_its_end_is_hung_up_on_at_the_deadline() {
    let slowly = Duration::from_millis(20);
    let client = client(&["127.0.0.1"], Script::default());
    for (beginning, again) in [
        // A head, a body, an extension of a chunk, and trailers, drop by drop.
        ("HTTP/1.1 200 OK\r\nx-slow: ", "x"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n", "x"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n",
            "x",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;x=",
            "x",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-slow: ",
            "x",
        ),
        // An answer that is always still to come.
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("", "HTTP/1.1 102 Processing\r\n\r\n"),
        (
            "",
            "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n",
        ),
    ] {
        let (server, told) = endless(beginning, again, slowly);
        let mut hurried = post(&server.address_url());
        hurried.timeout = SHORT;
        let failure = failure_of(&client, hurried).await;
        assert_eq!(failure, PostFailure::Timeout, "{beginning:?} {again:?}");
        hung_up(told).await;
    }
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    let client = client(&["127.0.0.1"], Script::default());
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (beginning, again) in [
        ("HTTP/1.1 200 OK\r\n", "x-more: 1\r\n".repeat(1000)),
        ("HTTP/1.1 200 OK\r\nx-long: ", "x".repeat(10_000)),
        ("HTTP/1.1 200 ", "x".repeat(10_000)),
        (chunked, format!("1;{}\r\nx\r\n", "x".repeat(1000))),
        (
            chunked,
            "10000\r\n".to_owned() + &"x".repeat(0x10000) + "\r\n",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
            "x-more: 1\r\n".repeat(1000),
        ),
    ] {
        let (server, told) = endless(beginning, again.clone(), Duration::ZERO);
        let failure = failure_of(&client, post(&server.address_url())).await;
        let is_cut_off = !matches!(failure, PostFailure::Timeout);
        assert!(is_cut_off, "{failure:?} after {beginning:?}");
        let sent = hung_up(told).await * again.len();
        // The system's buffers hold a few MiB of it.
        assert!(sent < 64 << 20, "{sent} bytes went after {beginning:?}");
    }
}

#[tokio::test]
async fn what_is_compressed_stays_so() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 32 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 64 << 10, "{}", bomb.len());
    let kept = bomb[..4096].to_vec();
    let (tell, told) = mpsc::channel();
    let server = Server::start(move |mut stream| {
        let (head, _) = read_request(&mut BufReader::new(&mut stream)).unwrap();
        tell.send(head).unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            bomb.len()
        );
        stream
            .write_all(&[head.as_bytes(), &bomb].concat())
            .unwrap();
        let _ = stream.read(&mut [0]);
    });
    let client = client(&["127.0.0.1"], Script::default());
    let answer = client.post(post(&server.address_url())).await.unwrap();
    assert!(
        answer.body == kept,
        "it is not the beginning as it was sent"
    );
    let head = told.recv_timeout(GENEROUS).unwrap().to_lowercase();
    assert!(
        !head.contains("accept-encoding") && !head.contains("\nte:"),
        "{head}"
    );
}

#[tokio::test]
async fn another_protocol_is_not_spoken() {
    let client = client(&["127.0.0.1"], Script::default());
    // A receiver that would go on in another one, and one that begins as HTTP/2 does.
    let switched =
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n";
    let settings = "\0\0\0\u{4}\0\0\0\0\0";
    for answer in [switched, settings] {
        let server = Server::answering(answer);
        let mut hurried = post(&server.address_url());
        hurried.timeout = GENEROUS;
        let came_to = client.post(hurried).await.map(|answer| answer.status);
        assert!(matches!(came_to, Ok(101) | Err(_)), "{came_to:?}");
    }
    // Nor is what is left of it taken for an answer to the next request.
    let server = Server::answering(&format!("{OK}{OK}"));
    for _ in 0..3 {
        let answer = client.post(post(&server.address_url())).await.unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, b"ok".as_slice())
        );
    }
}
