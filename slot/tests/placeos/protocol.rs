//! The process as core sees it: command line, frames, what it is told and what it answers.

use std::process::{Command, Output};
use std::time::Duration;

use rig::placeos::{MODULE, Redis, triple};
use rig::program::until;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::program::{PROGRAM, a_core, a_module};
use crate::receiver::Receiver;

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM)
        .args(arguments)
        // None of these needs Redis.
        .env("REDIS_URL", "redis://127.0.0.1:1")
        .output()
        .unwrap()
}

#[test]
fn core_and_the_build_service_get_what_they_ask_for() {
    let help = run(&["-h"]);
    assert!(help.status.success() && help.stderr.is_empty());
    let mut lines = Vec::new();
    for flags in [&["-m"][..], &["-d"], &["-m", "-d"], &["-d", "-m"]] {
        let output = run(flags);
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{flags:?}"
        );
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        lines.push(serde_json::from_str::<Value>(&text).unwrap());
    }
    let [metadata, defaults, both, both_too] = lines.try_into().unwrap();
    for member in ["interface", "implements", "requirements", "security"] {
        assert!(!metadata[member].is_null(), "{member}");
    }
    assert_eq!(defaults["generic_name"], "Rhombus");
    assert_eq!(both, both_too);
    assert_eq!(both["interface"], metadata["interface"]);
    assert_eq!(both["default_settings"], defaults["default_settings"]);
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    for (flags, reason) in [
        (&["-p", "-e", "-s", "/tmp/none"][..], "-e"),
        (&["-p"], "--socket"),
        (
            &["-p", "-s", "/tmp/there-is-no-such-socket"],
            "core cannot be reached",
        ),
        (&["-x"], "-x"),
    ] {
        let output = run(flags);
        assert!(!output.status.success(), "{flags:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(reason), "{text}");
    }
}

#[tokio::test]
async fn the_process_is_ready_and_answers_while_there_is_no_redis() {
    let core = a_core(&Redis::down(&[])).await;
    core.load(MODULE, json!({})).await;
    assert_eq!(core.info().await, json!([MODULE]));
    let subscribe = core.begin_hook(MODULE, "POST", json!({"webhook": "http://127.0.0.1/"}));
    let (status, _) = core.hook(MODULE, "PUT", json!({"door_id": "1"})).await;
    assert_eq!(status, 403);
    let (status, body) = triple(&subscribe.await.unwrap());
    assert_eq!(status, 503, "{body}");
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn frames_are_read_however_they_are_cut() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let info = br#"{"id":"","cmd":"INFO","later":[1],"seq":77}"#;
    let mut bytes = u32::try_from(info.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend_from_slice(info);
    let answer = core.expect(77);
    for byte in &bytes {
        core.tell_raw(&[*byte]);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(
        answer.await.unwrap()["payload"],
        json!([MODULE]).to_string()
    );

    // Several at once, with what cannot be read among them.
    let again = core.expect(78);
    let mut bytes = Vec::new();
    for text in [
        "",
        "{",
        "[]",
        r#"{"id":"x","cmd":"hset"}"#,
        r#"{"id":"","cmd":"info","seq":78}"#,
    ] {
        bytes.extend_from_slice(&u32::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    core.tell_raw(&bytes);
    assert_eq!(again.await.unwrap()["payload"], json!([MODULE]).to_string());
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn a_length_that_cannot_be_ends_the_process_in_order() {
    let redis = Redis::start().await;
    for length in [-1, i32::MIN, 2_000_000_000] {
        let core = a_module(&redis).await;
        core.tell_raw(&length.to_le_bytes());
        assert_eq!(core.ended().await.code(), Some(1));
        assert!(
            core.log().contains(&format!("a message of {length} bytes")),
            "{}",
            core.log()
        );
    }
}

#[tokio::test]
async fn every_call_is_answered_once_under_its_number() {
    let redis = Redis::start().await;
    let core = a_core(&redis).await;
    let failure = core
        .exec("mod-unknown", "request", json!(["GET", {}, ""]))
        .await;
    assert_eq!(
        (&failure["payload"], &failure["error"], &failure["code"]),
        (
            &json!("driver not available"),
            &json!("Exception"),
            &json!(500)
        )
    );
    // At once after the start, while the module is being loaded.
    let started = core.begin_load(MODULE, json!({}));
    let calls: Vec<_> = (0..1000)
        .map(|number| match number % 4 {
            0 => core.begin_hook(MODULE, "GET", json!({})),
            1 => core.begin_hook(MODULE, "PATCH", json!({})),
            2 => core.begin_hook(MODULE, "POST", json!({"webhook": 1})),
            _ => core.begin_exec(MODULE, "nothing", json!({})),
        })
        .collect();
    started.await.unwrap();
    for (number, call) in calls.into_iter().enumerate() {
        let answer = call.await.unwrap();
        assert_eq!(
            (&answer["id"], &answer["user_id"]),
            (&json!(MODULE), &json!("webhook.trig-1"))
        );
        let status = match number % 4 {
            0 => 200,
            1 => 405,
            2 => 400,
            _ => {
                let text = "execute requested for unknown method: nothing on Rhombus";
                assert_eq!(
                    (&answer["payload"], &answer["code"]),
                    (&json!(text), &json!(500))
                );
                continue;
            }
        };
        assert_eq!(triple(&answer).0, status);
    }
    let malformed = core
        .ask(json!({"id": MODULE, "cmd": "exec", "payload": "{"}))
        .await
        .unwrap();
    assert_eq!(malformed["error"], "JSON::ParseException");
    let empty = core
        .ask(json!({"id": MODULE, "cmd": "exec"}))
        .await
        .unwrap();
    assert_eq!(empty["code"], 500);
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn a_start_is_acknowledged_also_if_it_is_none() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    core.load(MODULE, json!({})).await;
    core.begin_load_with("mod-odd", "no model").await.unwrap();
    let mut loaded = core.info().await;
    loaded.as_array_mut().unwrap().sort_by_key(Value::to_string);
    assert_eq!(loaded, json!(["mod-odd", MODULE]));
    core.stop("mod-odd");
    core.stop("mod-unknown");
    core.tell(json!({"id": "mod-unknown", "cmd": "update", "payload": "{}"}));
    core.tell(json!({"id": "mod-unknown", "cmd": "debug"}));
    core.tell(json!({"id": "mod-unknown", "cmd": "result", "seq": 4000, "payload": "1"}));
    assert_eq!(core.info().await, json!([MODULE]));
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn core_is_told_what_the_module_is_and_that_it_is_connected() {
    let redis = Redis::start().await;
    let stale = redis::cmd("HSET")
        .arg(format!("status/{MODULE}"))
        .arg("stale")
        .arg("1")
        .clone();
    let _: i64 = redis.query(&stale).await;
    let core = a_module(&redis).await;
    assert_eq!(redis.status(MODULE, "connected").await, true);
    assert_eq!(redis.status_now(MODULE, "stale").await, None);
    let interface = redis::cmd("GET").arg(format!("interface/{MODULE}")).clone();
    let interface: String = redis.query(&interface).await;
    let interface: Value = serde_json::from_str(&interface).unwrap();
    assert_eq!(interface["notes"], "");
    assert!(interface["interface"]["request"]["method"].is_object());
    assert_eq!(redis.status(MODULE, "durability").await, "disk");
    assert!(core.terminate().await.success());
    // So that a dashboard shows no outage.
    assert_eq!(redis.status(MODULE, "connected").await, true);
}

#[tokio::test]
async fn whoever_debugs_a_module_gets_its_log() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    core.tell(json!({"id": MODULE, "cmd": "debug"}));
    redis.event(&json!({"nothing": "that can be read"})).await;
    let lines = until("a log line", async || {
        Some(core.lines()).filter(|lines| !lines.is_empty())
    });
    let (module, line) = lines.await[0].clone();
    assert_eq!((module.as_str(), &line[0]), (MODULE, &json!(4)));
    assert!(line[1].as_str().unwrap().contains("rejected"), "{line}");
    let text = line[1].as_str().unwrap().to_owned();
    until("the log line on the output", async || {
        core.log().contains("an event was rejected").then_some(())
    })
    .await;
    let printed = core.log();
    let printed = printed
        .lines()
        .find(|line| line.contains("an event was rejected"))
        .unwrap();
    let printed: Value = serde_json::from_str(printed).unwrap();
    assert_eq!(
        (&printed["source"], &printed["level"]),
        (&json!(MODULE), &json!("WARN"))
    );
    assert!(text.starts_with(printed["message"].as_str().unwrap()));

    core.tell(json!({"id": MODULE, "cmd": "ignore"}));
    core.info().await;
    let before = core.lines().len();
    redis.event(&json!({"nothing": "again"})).await;
    until("the second rejection", async || {
        let error = redis.status_now(MODULE, "last_error").await?;
        let rejected = redis.count(MODULE, "rejected/").await;
        (rejected >= 2 && error.is_string()).then_some(())
    })
    .await;
    assert_eq!(core.lines().len(), before);
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn the_process_ends_with_core_and_by_a_signal() {
    let redis = Redis::start().await;
    let receiver = Receiver::start().await;
    let core = a_module(&redis).await;
    core.subscribe(MODULE, &receiver.url()).await;
    // With work in flight.
    receiver.delay(Duration::from_secs(60));
    redis
        .event(&json!({"door_id": "1", "action": "granted"}))
        .await;
    assert!(core.hang_up().ended().await.success());

    let core = a_module(&redis).await;
    kill_process(core.pid(), Signal::TERM).unwrap();
    assert!(core.ended().await.success());
    core.assert_faultless();

    receiver.delay(Duration::ZERO);
    let core = a_module(&redis).await;
    let posts = receiver.wait_for(1).await;
    assert_eq!(posts[0].body["door_id"], "1");
    // Also with calls under way.
    let calls: Vec<_> = (0..20)
        .map(|_| core.begin_hook(MODULE, "GET", json!({})))
        .collect();
    assert!(core.terminate().await.success());
    for call in calls {
        call.await.unwrap();
    }
}
