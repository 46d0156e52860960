//! More than a slot can want to give. What is refused is counted.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::{join_all, maybe_done};
use futures_util::poll;

use crate::wit::placeos::slot::{doors, http, log, random, settings, status, storage, time};

/// A hundred thousand lines.
pub(crate) fn log() {
    let message = "nothing of note ".repeat(16);
    for _ in 0..100_000 {
        log::log(log::Level::Error, &message, &[]);
    }
}

/// A line of seventeen megabytes.
pub(crate) fn long_line() {
    let field = |_| log::Field {
        name: "n".repeat(1 << 10),
        value: "v".repeat(1 << 14),
    };
    let fields: Vec<_> = (0..1000).map(field).collect();
    log::log(log::Level::Error, &"m".repeat(1 << 20), &fields);
}

/// The same key, a million times.
pub(crate) fn status() {
    let json = format!("\"{}\"", "s".repeat(1024));
    for _ in 0..1_000_000 {
        status::set("flood", &json);
    }
}

/// A million keys.
pub(crate) fn status_keys() {
    for key in 0..1_000_000 {
        status::set(&format!("key {key}"), "1");
    }
}

/// Twenty thousand commits.
pub(crate) async fn commits_at_once() -> usize {
    at_once((0..20_000).map(|number| storage::commit(vec![put(number, 1024)]))).await
}

/// Twenty thousand commits, each of whose answers is let go before the next.
pub(crate) fn forsaken_commits() -> usize {
    let mut refused = 0;
    for number in 0..20_000 {
        let commit = pin!(storage::commit(vec![put(number, 1024)]));
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(Err(_)) = commit.poll(&mut context) {
            refused += 1;
        }
    }
    refused
}

/// Ten values of five megabytes.
pub(crate) async fn huge_values() -> usize {
    let mut results = Vec::new();
    for number in 0..10 {
        results.push(storage::commit(vec![put(number, 5 << 20)]).await);
    }
    refused(results)
}

/// A commit of eighty megabytes.
pub(crate) async fn huge_commit() -> usize {
    let changes = (0..20).map(|number| put(number, 4 << 20)).collect();
    refused([storage::commit(changes).await])
}

pub(crate) async fn scans_for_ever() -> ! {
    loop {
        let _ = storage::scan(String::new(), None, u32::MAX).await;
    }
}

/// Ten thousand POSTs.
pub(crate) async fn posts_at_once() -> usize {
    at_once((0..10_000).map(|_| http::post(post(100)))).await
}

/// Ten POSTs of eight megabytes.
pub(crate) async fn huge_bodies() -> usize {
    let mut results = Vec::new();
    for _ in 0..10 {
        results.push(http::post(post(8 << 20)).await);
    }
    refused(results)
}

/// Ten thousand doors.
pub(crate) async fn unlocks_at_once() -> usize {
    let door = |number: u32| doors::unlock("system".to_owned(), number.to_string(), None);
    at_once((0..10_000).map(door)).await
}

/// One that is nobody's, one that is the operator's, and a value of eight megabytes.
pub(crate) async fn settings() -> usize {
    let huge = format!("\"{}\"", "s".repeat(8 << 20));
    let mut results = Vec::new();
    for (name, json) in [
        ("no_such_setting", "1"),
        ("allowed_hosts", "[\"0.0.0.0/0\"]"),
        ("saved_subscriptions", &huge),
    ] {
        results.push(settings::save(name.to_owned(), json.to_owned()).await);
    }
    refused(results)
}

/// A hundred thousand of them.
pub(crate) async fn sleeps_at_once() -> ! {
    join_all((0..100_000).map(|_| time::sleep(u64::MAX))).await;
    std::arch::wasm32::unreachable()
}

pub(crate) fn random(bytes: u32) {
    random::bytes(bytes);
}

/// Begins all of `calls`, says so by the status key `begun`, and waits for them.
async fn at_once<T, E>(calls: impl Iterator<Item = impl Future<Output = Result<T, E>>>) -> usize {
    let mut calls: Vec<_> = calls.map(|call| Box::pin(maybe_done(call))).collect();
    for call in &mut calls {
        let _ = poll!(call.as_mut());
    }
    status::set("begun", "true");
    join_all(calls.iter_mut()).await;
    refused(
        calls
            .iter_mut()
            .filter_map(|call| call.as_mut().take_output()),
    )
}

fn put(number: u32, bytes: usize) -> storage::Change {
    storage::Change::Put(storage::Entry {
        key: format!("flood/{number}"),
        value: vec![7; bytes],
    })
}

fn post(bytes: usize) -> http::Request {
    http::Request {
        url: "https://webhooks.rhombussystems.com/flood".to_owned(),
        headers: Vec::new(),
        body: vec![7; bytes],
        timeout_ms: u32::MAX,
        wanted: Vec::new(),
    }
}

fn refused<T, E>(results: impl IntoIterator<Item = Result<T, E>>) -> usize {
    results.into_iter().filter(Result::is_err).count()
}
