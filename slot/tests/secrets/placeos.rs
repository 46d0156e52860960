//! The program as a driver of PlaceOS, its log at `trace`, and somebody who debugs it.
//!
//! Secrets are in its settings, in the frame by which it saves a setting, and in its records in Redis:
//! PlaceOS keeps them there. They are to be nowhere else.

use redis::cmd;
use rig::placeos::{Core, MODULE, Redis};
use rig::program::until;
use serde_json::{Value, json};

use crate::PROGRAM;
use crate::receiver::Receiver;
use crate::search::searched;
use crate::secrets::Secrets;

const BADLY: [&str; 4] = ["fail", "redirect", "busy", "garbage"];

pub(crate) async fn a_driver_of_placeos_shows_none() {
    let mut secrets = Secrets::default();
    let password = secrets.token("redis");
    let redis = Redis::with(&["--requirepass", &password]).await;
    let url = format!("redis://:{password}@127.0.0.1:{}", redis.port());
    let core = Core::start(
        PROGRAM,
        &[("REDIS_URL", &url), ("PLACEOS_SLOT_LOG", "trace")],
    )
    .await;
    let receiver = Receiver::start().await;
    let mut answers = Vec::new();

    let settings = json!({
        "persistent_log_level": "trace",
        "subscriptions": [
            { "webhook": receiver.url("ok", &secrets.token("listed")), "secret": secrets.token("listed secret") },
            { "webhook": secrets.token("no URL"), "secret": secrets.token("listed secret 2") },
            { "webhook": format!("https://10.0.0.1/{}", secrets.token("private")), "secret": secrets.whsec("listed") },
            secrets.token("alone"),
        ],
    });
    core.load(MODULE, settings.clone()).await;
    core.tell(json!({ "id": MODULE, "cmd": "debug" }));
    for manner in BADLY {
        let url = receiver.url(manner, &secrets.token(manner));
        let body = json!({ "webhook": url, "secret": secrets.token(&format!("{manner} secret")) });
        let (status, answer) = core.hook(MODULE, "POST", body).await;
        assert_eq!(status, 201, "{answer}");
    }
    ask_wrongly(&core, &mut secrets, &mut answers).await;
    tell_wrongly(&core, &settings, &mut secrets, &mut answers).await;
    redis
        .event(&json!({ "door_id": "lobby", "action": "granted" }))
        .await;
    receiver.has_seen(&["ok"]).await;
    receiver.has_seen(&BADLY).await;
    until("the failures in the log", async || {
        let lines = core.lines();
        let failed = lines
            .iter()
            .filter(|(_, line)| line.to_string().contains("an attempt failed"));
        (failed.count() >= BADLY.len()).then_some(())
    })
    .await;
    until("the failure in the status", async || {
        redis
            .status_now(MODULE, "last_error")
            .await?
            .as_str()
            .map(drop)
    })
    .await;
    let calls = [
        "deliveries",
        "discard",
        "redeliver",
        "send_test_event",
        "enable",
        "door_event",
    ];
    for function in calls {
        answers.push(core.exec(MODULE, function, json!({})).await);
    }
    answers.push(core.info().await);

    let mut shown = Vec::new();
    let keys: Vec<String> = redis.query(cmd("KEYS").arg("*")).await;
    for key in keys.iter().filter(|key| key.starts_with("status/")) {
        let status: Vec<String> = redis.query(cmd("HGETALL").arg(key)).await;
        assert!(
            status.iter().any(|name| name == "subscriptions"),
            "{status:?}"
        );
        shown.extend(status);
    }
    let interface: Option<String> = redis
        .query(cmd("GET").arg(format!("interface/{MODULE}")))
        .await;
    shown.extend(interface);
    assert!(core.terminate().await.success());
    shown.extend(answers.iter().map(Value::to_string));
    shown.extend(core.lines().iter().map(|(_, line)| line.to_string()));
    shown.push(core.log());
    let shown: Vec<_> = shown.iter().map(String::as_bytes).collect();
    searched(&secrets.0, &shown);
}

/// By the webhook and the functions.
async fn ask_wrongly(core: &Core, secrets: &mut Secrets, answers: &mut Vec<Value>) {
    let (path, secret) = (secrets.token("path"), secrets.token("secret"));
    let url = format!("https://{secret}:{secret}@127.0.0.1/{path}");
    for body in [
        json!({ "webhook": url, "secret": secret }),
        json!({ "webhook": format!("https://elsewhere.example/{path}"), "secret": secret }),
        json!({ "webhook": [url], "secret": { secret.clone(): 1 } }),
        json!({ secret.clone(): url }),
        json!(url),
    ] {
        for method in ["POST", "DELETE", "PUT", "PATCH", secret.as_str()] {
            let (status, answer) = core.hook(MODULE, method, body.clone()).await;
            answers.push(json!([status, answer]));
        }
    }
    for (function, arguments) in [
        ("request", json!([secret])),
        ("request", json!([[secret], {}, ""])),
        ("request", json!(["POST", secret, url])),
        ("request", json!(["POST", {}, { "webhook": url }])),
        ("request", json!(["POST", {}, url, secret])),
        ("enable", json!([secret])),
        ("deliveries", json!({ "state": secret, "from": secret })),
        ("door_event", json!([secret, secret])),
        (secret.as_str(), json!([url])),
    ] {
        answers.push(core.exec(MODULE, function, arguments).await);
    }
    for payload in [
        json!(json!({ "__exec__": "request", "request": [url, secret] }).to_string()).to_string(),
        json!([url, secret]).to_string(),
        json!({ "__exec__": [secret] }).to_string(),
        json!({ "__exec__": secret }).to_string(),
        url,
    ] {
        let message = json!({ "id": MODULE, "cmd": "exec", "payload": payload });
        answers.push(core.ask(message).await.unwrap());
    }
}

/// By core: models and messages that cannot be read.
async fn tell_wrongly(
    core: &Core,
    settings: &Value,
    secrets: &mut Secrets,
    answers: &mut Vec<Value>,
) {
    let token = secrets.token("model");
    // A model within a text.
    let twice = json!(json!({ "settings": settings }).to_string());
    core.update_with(MODULE, &twice);
    core.begin_load_with("mod-twice", &twice.to_string())
        .await
        .unwrap();
    let odd = json!({ "settings": settings, "notes": [token], "control_system": token });
    core.begin_load_with("mod-odd", &odd.to_string())
        .await
        .unwrap();
    core.begin_load_with("mod-text", &token).await.unwrap();
    for settings in [
        json!(token),
        json!([token]),
        json!({ "subscriptions": token, token.clone(): token }),
    ] {
        let mut model = core.model(MODULE);
        model["settings"] = settings;
        core.update_with(MODULE, &model);
    }
    core.update(MODULE, settings.clone());
    for message in [
        json!({ "id": MODULE, "cmd": "setting", "payload": settings.to_string() }),
        json!({ "id": MODULE, "cmd": token, "payload": token }),
        json!({ "id": MODULE, "cmd": "result", "seq": 999_999, "payload": token }),
        json!({ "id": [token], "cmd": "start", "payload": token }),
    ] {
        core.tell(message);
    }
    // All of it has been taken in when this is answered.
    answers.push(core.exec(MODULE, "deliveries", json!({})).await);
    let body = json!({ "webhook": "https://127.0.0.1/hook" });
    let (status, answer) = core.hook(MODULE, "DELETE", body).await;
    answers.push(json!([status, answer]));
}
