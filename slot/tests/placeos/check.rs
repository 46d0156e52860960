//! `check --placeos`: whether a core's node can work.

use std::process::{Command, Output};

use redis::cmd;
use rig::placeos::{MODULE, Redis};
use rig::program::until;

use crate::program::{PROGRAM, a_module};
use crate::receiver::Receiver;

/// What it prints, and whether the place can work. The receivers of this test go on answering.
async fn check(redis: &str, modules: &[&str]) -> (String, bool) {
    let mut command = Command::new(PROGRAM);
    command
        .args(["check", "--allow", "127.0.0.1", "--placeos"])
        .args(modules)
        .env("REDIS_URL", redis);
    let output = tokio::task::spawn_blocking(move || command.output());
    let Output { status, stdout, .. } = output.await.unwrap().unwrap();
    let text = String::from_utf8(stdout).unwrap();
    let has_bad = text.lines().any(|line| line.starts_with("BAD"));
    assert_eq!(status.code(), Some(i32::from(has_bad)), "{text}");
    (text, !has_bad)
}

/// The lines but those on what tests have no say in: the certificates of this machine.
#[track_caller]
fn assert_has(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "{wanted}\n{text}");
}

#[tokio::test]
async fn a_module_that_runs_is_found_with_its_subscribers() {
    let redis = Redis::start().await;
    let receiver = Receiver::start().await;
    let core = a_module(&redis).await;
    core.subscribe(MODULE, &receiver.url()).await;
    let url = redis.url();
    let text = until("the status of the subscriber", async || {
        let (text, _) = check(&url, &[MODULE]).await;
        text.contains("1 subscribed").then_some(text)
    })
    .await;
    let origin = receiver.url().replace("/hook", "");
    assert_has(
        &text,
        &format!("good  module {MODULE}: 1 subscribed, all open"),
    );
    assert_has(&text, &format!("good  {origin}: reached within"));
    assert_has(&text, "and is on the disk");
    assert_has(&text, "good  clock: ");
    assert!(core.terminate().await.success());

    // Of the check itself nothing is left.
    let keys: Vec<String> = redis.query(cmd("KEYS").arg("rhombus/*")).await;
    assert!(keys.iter().all(|key| key.contains(MODULE)), "{keys:?}");
    let (text, can_work) = check(&url, &["mod-unknown"]).await;
    assert!(!can_work);
    assert_has(
        &text,
        "BAD   module mod-unknown: it has no status in this Redis",
    );
}

#[tokio::test]
async fn a_redis_that_forgets_cannot_do() {
    let redis = Redis::with(&["--appendonly", "no"]).await;
    let (text, can_work) = check(&redis.url(), &[]).await;
    assert!(!can_work);
    assert_has(
        &text,
        &format!("BAD   Redis 127.0.0.1:{}: it forgets", redis.port()),
    );

    let redis = Redis::with(&["--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"]).await;
    let (text, _) = check(&redis.url(), &[]).await;
    assert_has(&text, "maxmemory-policy allkeys-lru");

    let redis = Redis::with(&["--appendonly", "yes", "--appendfsync", "everysec"]).await;
    let (text, _) = check(&redis.url(), &[]).await;
    assert_has(&text, "note  Redis");
    assert_has(&text, "set appendfsync always");

    let (text, _) = check(&Redis::down(&[]).url().replace("//", "//hidden@"), &[]).await;
    assert_has(&text, "BAD   Redis 127.0.0.1:");
    assert_has(&text, "REDIS_URL is right");
    assert!(!text.contains("hidden"));
}
