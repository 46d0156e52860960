//! Clients that take their time, and many of them: what they hold is taken from them, and others do
//! not wait for it.

use std::process::Command;
use std::time::Duration;

use placeos_slot::gateway::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use rig::client::{Connection, send};
use rig::program::{LIMIT, until};

use crate::pretended::{SIGNAL, Served, triple};
use crate::program::{PROGRAM, a_place};
use crate::raw::{Raw, exchange};

/// So short that a test can wait for it.
const SOON: Duration = Duration::from_millis(100);

/// The head of a webhook request with a body of ten bytes.
fn begun(served: &Served) -> String {
    let hook = served.hook();
    format!("POST {hook} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n")
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_408() {
    let served = Served::start_within(Limits {
        body_time: SOON,
        ..Limits::default()
    })
    .await;
    let key = served.keys.event_key.reveal();
    let head = format!("POST {SIGNAL} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n");
    for request in [
        format!("{}12345", begun(&served)),
        format!("{head}content-length: 10\r\n\r\n"),
        format!("{head}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n"),
    ] {
        let answer = exchange(served.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(
            answer.contains("the body did not arrive in time"),
            "{answer}"
        );
    }
    assert!(served.requests().is_empty() && served.events().is_empty());
}

#[tokio::test]
async fn a_body_that_comes_drop_by_drop_is_answered_408_all_the_same() {
    let served = Served::start_within(Limits {
        body_time: SOON,
        ..Limits::default()
    })
    .await;
    let mut raw = Raw::open(served.address).await;
    let length = "content-length: 10000\r\n";
    let head = begun(&served).replace("content-length: 10\r\n", length);
    raw.send(head).await;
    // Until it is refused; then it is let go on for a while, but not for ever.
    while raw.can_send("x").await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(served.requests().is_empty());
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let served = Served::start_within(Limits {
        head_time: SOON,
        ..Limits::default()
    })
    .await;
    for begun in [
        "",
        "GET /healthz HT",
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-a: ",
    ] {
        assert_eq!(exchange(served.address, begun).await, "", "{begun}");
    }
    // Drop by drop as well.
    let mut raw = Raw::open(served.address).await;
    raw.send("GET /healthz HTTP/1.1\r\n").await;
    while raw.can_send("x: y\r\n").await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // And between two requests.
    let two = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /healthz HT";
    let answer = exchange(served.address, two).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "{answer}");
}

#[tokio::test]
async fn who_does_not_take_an_answer_is_cut_off() {
    // More than the system buffers.
    const MUCH: usize = 64 * 1024 * 1024;
    let served = Served::start_within(Limits {
        answer_bytes: MUCH,
        answer_time: SOON,
        ..Limits::default()
    })
    .await;
    served.answers(triple(200, &[], &"x".repeat(MUCH)));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(served.address).await.unwrap();
    let get = format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", served.hook());
    stream.write_all(get.as_bytes()).await.unwrap();
    // It is cut off while nothing is read: nobody writes to this connection any more, and at last it
    // is known to be closed.
    until("the end of the connection", async || {
        stream.write_all(b"GET").await.is_err().then_some(())
    })
    .await;
    let mut taken = 0;
    let mut piece = vec![0; 1024 * 1024];
    while let Ok(read @ 1..) = timeout(LIMIT, stream.read(&mut piece)).await.unwrap() {
        taken += read;
    }
    assert!(taken < MUCH, "{taken}");
}

#[tokio::test]
async fn whoever_asks_gets_in_beside_any_number_of_silent_ones() {
    const PLACES: usize = 8;
    let served = Served::start_within(Limits {
        connections: PLACES,
        ..Limits::default()
    })
    .await;
    let mut silent = Vec::new();
    for round in 0..10 {
        for number in 0..PLACES {
            let mut raw = Raw::open(served.address).await;
            // They have come as far as one can come without being answered.
            match number % 3 {
                0 => {}
                1 => raw.send("GET /healthz HTTP/1.1\r\nhost: ").await,
                _ => raw.send(begun(&served)).await,
            }
            silent.push(raw);
        }
        let reply = send(served.address, "GET", &served.hook(), &[], "").await;
        assert_eq!(reply.status, 200, "{round}");
    }
    // Those that came first have been closed, without an answer.
    for raw in silent.iter_mut().take(PLACES) {
        assert_eq!(raw.rest().await, "");
    }
    let posts = served.requests();
    assert!(posts.iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn the_one_that_is_closed_for_another_is_the_one_that_is_waited_for_longest() {
    let served = Served::start_within(Limits {
        connections: 3,
        ..Limits::default()
    })
    .await;
    let ask = async |connection: &mut Connection| {
        let reply = connection.send("GET", "/healthz", &[], "").await;
        reply.map(|reply| reply.status)
    };
    let open = async || {
        let mut connection = Connection::open(served.address).await.unwrap();
        assert_eq!(ask(&mut connection).await.unwrap(), 200);
        connection
    };
    let mut first = open().await;
    let mut second = open().await;
    let mut third = open().await;
    // The first to come has asked since.
    assert_eq!(ask(&mut first).await.unwrap(), 200);
    let mut fourth = open().await;
    assert!(ask(&mut second).await.is_err());
    for connection in [&mut first, &mut third, &mut fourth] {
        assert_eq!(ask(connection).await.unwrap(), 200);
    }
}

#[tokio::test]
async fn a_request_that_is_worked_on_is_not_closed_for_others() {
    const PLACES: usize = 4;
    let served = Served::start_within(Limits {
        connections: PLACES,
        ..Limits::default()
    })
    .await;
    served
        .driver
        .may_answer
        .forget_permits(Semaphore::MAX_PERMITS);
    let (address, hook) = (served.address, served.hook());
    let under_way = tokio::spawn(async move { send(address, "POST", &hook, &[], "").await });
    until("the request", async || {
        (!served.requests().is_empty()).then_some(())
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..5 * PLACES {
        silent.push(Raw::open(address).await);
    }
    // Whoever is answered now has come after all of them.
    assert_eq!(served.status("GET", "/healthz").await, 200);
    served.driver.may_answer.add_permits(1);
    assert_eq!(under_way.await.unwrap().status, 200);
}

#[tokio::test]
async fn where_a_process_may_have_few_files_there_are_fewer_places() {
    let place = a_place();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 128 && exec \"$0\" serve", PROGRAM]);
    place.here(&mut command);
    let gateway = place.start_by(command).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(Raw::open(gateway.address()).await);
    }
    let reply = send(gateway.address(), "GET", "/readyz", &[], "").await;
    assert_eq!(reply.status, 200);
    assert_eq!(silent[0].rest().await, "");
}
