//! The gateway on a terminal, where its log is written for people, and the banner tells the keys.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::process::Command;
use std::thread;

use rig::program::{Place, until};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::PROGRAM;
use crate::receiver::Receiver;
use crate::search::searched;
use crate::secrets::Secrets;

pub(crate) async fn a_terminal_gets_the_banner_and_no_more() {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new())
        .unwrap()
        .into_string()
        .unwrap();
    // Held, for without any the terminal is hung up.
    let held = OpenOptions::new().write(true).open(&name).unwrap();
    let mut terminal = File::from(terminal);
    let reading = thread::spawn(move || {
        let mut shown = Vec::new();
        // It ends with an error.
        let _ = terminal.read_to_end(&mut shown);
        shown
    });

    let place = Place::new(PROGRAM);
    let receiver = Receiver::start().await;
    let mut subscribers = Secrets::default();
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            r#"exec "$0" serve --allow 127.0.0.1 >"$TERMINAL" 2>&1"#,
            PROGRAM,
        ])
        .env("TERMINAL", &name)
        .env("PLACEOS_SLOT_LOG", "trace");
    place.here(&mut command);
    let gateway = place.start_by(command).await;
    for manner in ["ok", "fail", "garbage"] {
        let url = receiver.url(manner, &subscribers.token(manner));
        let secret = subscribers.token(&format!("{manner} secret"));
        assert_eq!(gateway.subscribe(&url, &secret).await, 201);
    }
    gateway
        .signal(json!({ "door_id": "lobby", "action": "granted" }))
        .await;
    receiver.has_seen(&["ok", "fail", "garbage"]).await;
    until("the failures", async || {
        let status = gateway.status().await;
        status["last_error"].is_string().then_some(())
    })
    .await;
    gateway.send_signal(Signal::TERM);
    assert_eq!(gateway.ended().await.code(), Some(0));
    drop(held);
    let shown = String::from_utf8(reading.join().unwrap()).unwrap();

    let keys = fs::read_to_string(place.data().join("keys.json")).unwrap();
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let key = |name: &str| keys[name].as_str().unwrap().to_owned();
    let mut all = Secrets::default();
    for name in ["webhook_secret", "event_key", "admin_key"] {
        let told = all.keep(key(name));
        assert!(shown.contains(&told), "the banner tells no {name}: {shown}");
    }
    let (before, rest) = shown.split_once("The console, logged in").unwrap();
    let (banner, after) = rest.split_once("curl -i -X DELETE").unwrap();
    assert!(after.contains("an attempt failed"), "{after}");
    let outside = [before.as_bytes(), after.as_bytes()];
    searched(&all.0, &outside);
    searched(&subscribers.0, &[outside[0], banner.as_bytes(), outside[1]]);
}
