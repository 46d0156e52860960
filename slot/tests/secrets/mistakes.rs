//! Command lines, settings and files that the program cannot use, with secrets in them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rig::program::Place;
use serde_json::json;

use crate::PROGRAM;
use crate::search::searched;
use crate::secrets::Secrets;

/// What keeps the gateway from starting is told, and not what is in it.
pub(crate) fn what_cannot_start_shows_none() {
    let mut secrets = Secrets::default();
    let url = |token: String| format!("https://a.example/{token}?a=b");
    let mut shown = Vec::new();
    let list =
        json!([{ "webhook": url(secrets.token("list")), "secret": secrets.token("list 2") }]);
    let list = list.to_string();
    let broken = &list[..list.len() - 2];
    let webhook = format!("{},", url(secrets.token("split")));
    let token = secrets.token("alone");
    let place = Place::new(PROGRAM);
    for arguments in [
        &["serve", "--set", &list][..],
        &["serve", "--set", broken],
        &["serve", "--set", &format!("subscriptions={broken}")],
        &["serve", "--set", &format!("{{\"subscriptions\": {broken}")],
        &["serve", "--set", &format!("{token}=1")],
        &["serve", "--set", &format!("{{\"{token}\": 1}}")],
        &["serve", "--set", &token],
        &["serve", "--set", &format!("allowed_hosts=[\"{token}/\"]")],
        &[
            "serve",
            "--set",
            "subscriptions=[{webhook:",
            &webhook,
            "secret:",
            &token,
        ],
        &["serve", &format!("--{token}")],
        &["serve", &format!("--secret={token}")],
        &["serve", "--allow", &format!("https://a.example/{token}")],
        &["serve", "--allow", &format!("user:{token}@a.example")],
        &["check", "--set", &list],
        &["check", "--set", &format!("contract={token}")],
        &["receive", "--secret", &token, "--listen", "192.0.2.1:9"],
        &["receive", &token],
        &[&webhook],
        &[&token],
    ] {
        let mut command = Command::new(PROGRAM);
        // Some find out only when they have a store.
        place.here(&mut command);
        command.args(arguments).env("PLACEOS_SLOT_LOG", "trace");
        shown.push(refused(command));
    }
    let redis = format!("http://user:{token}@a.example");
    for arguments in [&["check", "--placeos"][..], &["-p", "-s", "/nowhere"]] {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .env("REDIS_URL", &redis)
            .env("PLACEOS_SLOT_LOG", "trace");
        shown.push(refused(command));
    }
    for file in ["keys.json", "settings.json", "store.redb"] {
        let place = Place::new(PROGRAM);
        fs::create_dir(place.data()).unwrap();
        fs::set_permissions(place.data(), Permissions::from_mode(0o700)).unwrap();
        let path = place.data().join(file);
        let content =
            format!("{{\"webhook_secret\": \"{token}\", \"list\": \"{webhook}\" \"{token}\"");
        fs::write(&path, content.repeat(100)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        shown.push(refused(place.serve(&[])));
    }
    let shown: Vec<_> = shown.iter().map(Vec::as_slice).collect();
    searched(&secrets.0, &shown);
}

/// All that a program which must not succeed has printed.
fn refused(mut command: Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{command:?}");
    assert!(!output.stderr.is_empty(), "{command:?}");
    [output.stdout, output.stderr].concat()
}
