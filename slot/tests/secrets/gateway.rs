//! The gateway, with secrets in every place where somebody could put one.

use std::fs;
use std::process::Command;

use futures_util::future::join_all;
use rig::client::{Reply, send};
use rig::program::{Place, Running, SIGNAL, until};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::PROGRAM;
use crate::receiver::Receiver;
use crate::search::searched;
use crate::secrets::Secrets;

const ALLOWED: &str = "127.0.0.1,localhost,*.localhost,nowhere.invalid";
/// How the receiver answers badly.
const BADLY: [&str; 7] = [
    "fail", "redirect", "busy", "gone", "garbage", "endless", "broken",
];

pub(crate) async fn the_gateway_shows_none() {
    let place = Place::new(PROGRAM);
    let receiver = Receiver::start().await;
    let mut secrets = Secrets::default();
    let listed = listed(&receiver, &mut secrets).to_string();
    let start = async || {
        let mut command = place.serve(&["--demo", "--swipe-every=0", "--allow", ALLOWED]);
        command
            .env("PLACEOS_SLOT_LOG", "trace")
            .env("PLACEOS_SLOT_SET", &listed);
        place.start_by(command).await
    };
    let gateway = start().await;
    keep_keys(&place, &mut secrets);
    let mut answers = Vec::new();

    subscribe(&gateway, &receiver, &mut secrets, &mut answers).await;
    ask_wrongly(&gateway, &mut secrets, &mut answers).await;
    for door in ["lobby", "vault", "dock"] {
        let event = json!({ "door_id": door, "action": "granted", "user_name": "Ann Example" });
        answers.push(gateway.signal(event).await);
    }
    receiver.has_seen(&["ok"]).await;
    receiver.has_seen(&BADLY).await;
    // As many fail as there are that cannot but fail: those of the receiver, and three without one.
    until("the failures", async || {
        let log = place.log();
        (log.matches("an attempt failed").count() >= BADLY.len() + 3).then_some(())
    })
    .await;
    operate(&gateway, &mut secrets, &mut answers).await;
    gateway.kill().await;

    let gateway = start().await;
    answers.push(
        gateway
            .signal(json!({ "door_id": "lobby", "action": "denied" }))
            .await,
    );
    operate(&gateway, &mut secrets, &mut answers).await;
    gateway.send_signal(Signal::TERM);
    assert_eq!(gateway.ended().await.code(), Some(0));

    let mut check = Command::new(PROGRAM);
    check
        .arg("check")
        .arg("--data")
        .arg(place.data())
        .args(["--allow", ALLOWED]);
    check
        .env("PLACEOS_SLOT_LOG", "trace")
        .env("PLACEOS_SLOT_SET", &listed);
    let checked = output(check);

    let log = place.log();
    for wanted in [
        "answered",
        "an attempt failed",
        "a subscriber is paused",
        "hyper",
        "hickory",
    ] {
        assert!(log.contains(wanted), "no {wanted} in the log");
    }
    assert!(
        answers
            .iter()
            .any(|answer| answer.text().contains("\"pending\""))
    );
    let answers: Vec<_> = answers.iter().flat_map(told).collect();
    searched(&secrets.0, &[log.as_bytes(), &answers, &checked]);
}

/// Settings, well written and otherwise.
fn listed(receiver: &Receiver, secrets: &mut Secrets) -> Value {
    let mut token = |name| secrets.token(name);
    json!({ "subscriptions": [
        { "webhook": receiver.url("ok", &token("listed")), "secret": token("listed secret") },
        { "webhook": receiver.url("fail", &token("listed 2")), "secret": token("listed secret 2") },
        { "webhook": token("listed, no URL"), "secret": token("listed secret 3") },
        { "webhook": format!("https://{}:{}@localhost/{}", token("user"), token("password"), token("userinfo")) },
        { "webhook": format!("https://10.0.0.1/{}", token("listed private")), "secret": token("listed secret 4") },
        { "webhook": 7, "secret": token("listed secret 5") },
        { "webhook": receiver.url("ok", &token("listed 3")), "secret": [token("listed secret 6")] },
        token("listed alone"),
    ] })
}

fn keep_keys(place: &Place, secrets: &mut Secrets) {
    let keys = fs::read_to_string(place.data().join("keys.json")).unwrap();
    let keys: Value = serde_json::from_str(&keys).unwrap();
    for key in keys.as_object().unwrap().values() {
        secrets.keep(key.as_str().unwrap().to_owned());
    }
}

/// By the webhook's POST, DELETE and PUT: what is taken, and what is refused.
async fn subscribe(
    gateway: &Running,
    receiver: &Receiver,
    secrets: &mut Secrets,
    answers: &mut Vec<Reply>,
) {
    let long = secrets.token("long").repeat(51);
    let long = secrets.keep(long);
    let umlaut = secrets.token("unicode");
    let umlaut = secrets.keep(format!("grüß-密钥-🔑-{umlaut}"));
    let closed = "http://127.0.0.1:9";
    let mut kept = vec![
        (
            receiver.url("ok", &secrets.token("number")),
            json!(secrets.number("number")),
        ),
        (
            receiver.url("ok", &secrets.token("text")),
            json!(secrets.number("text").to_string()),
        ),
        (
            receiver.url("ok", &secrets.token("unicode path")),
            json!(umlaut),
        ),
        (
            receiver.url("ok", &secrets.token("whsec path")),
            json!(secrets.whsec("whsec")),
        ),
        (receiver.url("ok", &secrets.token("long path")), json!(long)),
        (
            receiver.tls_url(&secrets.token("tls")),
            json!(secrets.token("tls secret")),
        ),
        (
            format!("{closed}/{}", secrets.token("closed")),
            json!(secrets.token("closed secret")),
        ),
        (
            format!("https://nowhere.invalid/{}", secrets.token("dns")),
            json!(secrets.token("dns secret")),
        ),
    ];
    for manner in BADLY {
        let (path, secret) = (
            secrets.token(manner),
            secrets.token(&format!("{manner} secret")),
        );
        kept.push((receiver.url(manner, &path), json!(secret)));
    }
    for (url, secret) in &kept {
        let answer = gateway
            .hook("POST", json!({ "webhook": url, "secret": secret }))
            .await;
        assert_eq!(answer.status, 201, "{url}: {}", answer.text());
        answers.push(answer);
    }
    // Another secret, then none; and one that is gone again.
    let url = receiver.url("ok", &secrets.token("rotated"));
    for body in [
        json!({ "webhook": url, "secret": secrets.token("rotated secret") }),
        json!({ "webhook": url, "secret": secrets.token("rotated secret 2") }),
        json!({ "webhook": url }),
    ] {
        answers.push(gateway.hook("POST", body).await);
    }
    answers.push(gateway.hook("DELETE", json!({ "webhook": url })).await);
    answers.push(gateway.hook("DELETE", json!({ "webhook": url })).await);

    let (path, secret) = (secrets.token("refused"), secrets.token("refused secret"));
    let name = secrets.token("name");
    for url in [
        format!("https://169.254.169.254/{path}"),
        format!("https://elsewhere.example/{path}?key={secret}"),
        format!("https://{secret}:{secret}@localhost/{path}"),
        format!("https://in.localhost/{path}"),
        format!("http://webhooks.rhombussystems.com/{path}#{secret}"),
        format!("ftp://localhost/{path}"),
        format!("https://localhost:99999/{path}"),
        path.clone(),
    ] {
        answers.push(
            gateway
                .hook("POST", json!({ "webhook": url, "secret": secret }))
                .await,
        );
        answers.push(
            gateway
                .hook("DELETE", json!({ "webhook": url, "secret": secret }))
                .await,
        );
    }
    let url = format!("http://127.0.0.1:9/{path}");
    let [with_query, path_only] = gateway.access.hooks();
    for body in [
        format!(r#"{{"webhook": "{url}", "secret": "{secret}""#),
        format!(r#"{{"webhook": "{url}", "secret": {secret}}}"#),
        format!(r#"{{"webhook": ["{url}"], "secret": "{secret}"}}"#),
        format!(r#"{{"webhook": "{url}", "secret": ["{secret}"]}}"#),
        format!(r#"{{"webhook": "{url}", "secret": {{"{secret}": 1}}}}"#),
        format!(r#"{{"webhook": "{url}", "webhook": "{url}", "secret": "{secret}"}}"#),
        format!(r#"{{"{name}": "{url}", "{name}": "{secret}"}}"#),
        format!(r#""{url}""#),
        format!("webhook={url}&secret={secret}"),
        url,
    ] {
        for method in ["POST", "DELETE", "PUT", "PATCH", "OPTIONS"] {
            let hook = if method == "POST" {
                &with_query
            } else {
                &path_only
            };
            answers.push(send(gateway.address(), method, hook, &[], body.clone()).await);
        }
    }
}

/// By whoever does not know the keys, or shows them in the wrong place.
async fn ask_wrongly(gateway: &Running, secrets: &mut Secrets, answers: &mut Vec<Reply>) {
    let guess = secrets.token("guess");
    let bearer = format!("Bearer {guess}");
    let basic = format!("Basic {guess}");
    let cookie = format!("session={guess}");
    let [with_query, path_only] = gateway.access.hooks();
    let admin = &gateway.access.admin_key;
    let notify = "/api/engine/v2/webhook/trig-rhombus/notify";
    for path in [
        with_query.replace("exec=true", "exec=no"),
        format!("{with_query}&index={guess}"),
        format!("{path_only}/{guess}"),
        path_only.replace("Rhombus", &guess),
        path_only.replace("request", &guess),
        path_only.replace("trig-rhombus", &guess),
        format!("{notify}?secret={guess}&exec=true&mod=Rhombus&method=request"),
        format!("{notify}/{guess}/Rhombus/1/request"),
        format!("{notify}/%FF{guess}/Rhombus/1/request"),
        format!("{SIGNAL}&key={guess}"),
        format!("/api/engine/v2/signal?channel={guess}"),
        format!("/api/functions/{guess}"),
        format!("/api/functions/enable?{admin}"),
        format!("/metrics?key={admin}"),
        format!("/{guess}"),
        format!("/{admin}?{guess}"),
    ] {
        for method in ["GET", "POST", "DELETE"] {
            for headers in [
                [
                    ("authorization", bearer.as_str()),
                    ("x-api-key", guess.as_str()),
                ],
                [
                    ("authorization", basic.as_str()),
                    ("cookie", cookie.as_str()),
                ],
                [("x-api-key", admin.as_str()), ("referer", admin.as_str())],
            ] {
                let body = format!("{{\"secret\": \"{guess}\"}}");
                answers.push(send(gateway.address(), method, &path, &headers, body).await);
            }
        }
    }
}

/// By an operator, with and without mistakes.
async fn operate(gateway: &Running, secrets: &mut Secrets, answers: &mut Vec<Reply>) {
    let wrong = secrets.token("argument");
    // A status key is shown once a second.
    let ids = until("the subscriptions", async || {
        let status = gateway.status().await;
        let subscriptions = status["subscriptions"].as_array()?.iter();
        let ids: Vec<_> = subscriptions.map(|one| one["id"].clone()).collect();
        (ids.len() > 15).then_some(ids)
    })
    .await;
    let mut calls = vec![
        ("deliveries", json!({})),
        ("deliveries", json!({ "state": "dead" })),
        ("deliveries", json!({ "state": "pending", "limit": 500 })),
        (
            "discard",
            json!({ "state": "pending", "subscription": ids[0] }),
        ),
        ("redeliver", json!({ "from": 0 })),
        ("nothing", json!({ "secret": wrong })),
        ("door_event", json!({ "json": "{}" })),
    ];
    for id in &ids {
        calls.push(("send_test_event", json!({ "subscription": id })));
        calls.push(("enable", json!({ "subscription": id })));
    }
    for function in [
        "deliveries",
        "redeliver",
        "discard",
        "send_test_event",
        "enable",
        "door_event",
    ] {
        for arguments in [
            json!({ "subscription": wrong }),
            json!({ "state": wrong }),
            json!({ "from": wrong }),
            json!({ "limit": wrong }),
            json!({ "json": wrong }),
            json!({ wrong.clone(): 1 }),
            json!({ "subscription": ids[0], wrong.clone(): wrong }),
            json!([wrong]),
            json!(wrong),
        ] {
            calls.push((function, arguments));
        }
    }
    // All at once: some wait for receivers that do not answer.
    let called = calls.into_iter().map(async |(function, arguments)| {
        let path = format!("/api/functions/{function}");
        gateway.operator("POST", &path, arguments).await
    });
    answers.extend(join_all(called).await);
    for path in ["/api/status", "/metrics", "/healthz", "/readyz"] {
        answers.push(gateway.operator("GET", path, Value::Null).await);
    }
}

/// All that an answer has: status, headers and body.
fn told(answer: &Reply) -> Vec<u8> {
    let head = format!("\n{} {:?}\n", answer.status, answer.headers);
    [head.as_bytes(), &answer.body].concat()
}

/// All that a program which ends has printed.
fn output(mut command: Command) -> Vec<u8> {
    let output = command.output().unwrap();
    [output.stdout, output.stderr].concat()
}
