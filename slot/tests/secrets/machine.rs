//! What others on the machine see of a process: its command line, and nothing of its memory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rig::program::Place;
use rustix::process::{Pid, geteuid};
use serde_json::json;

use crate::PROGRAM;
use crate::search::searched;
use crate::secrets::Secrets;

/// What the README has an operator do.
pub(crate) async fn a_command_line_shows_none() {
    let mut secrets = Secrets::default();
    let webhook = format!("http://127.0.0.1:9/{}", secrets.token("path"));
    let list = json!([{ "webhook": webhook, "secret": secrets.token("secret") }]);

    let place = Place::new(PROGRAM);
    let mut command = place.serve(&["--demo", "--swipe-every=0", "--allow=127.0.0.1"]);
    command.env(
        "PLACEOS_SLOT_SET",
        json!({ "subscriptions": list }).to_string(),
    );
    let gateway = place.start_by(command).await;
    for key in [&gateway.access.admin_key, &gateway.access.event_key] {
        secrets.keep(key.clone());
    }
    let process = format!("/proc/{}", gateway.pid().as_raw_nonzero());
    // These are everybody's to read.
    let shown = ["cmdline", "comm", "status", "stat"]
        .map(|file| fs::read(format!("{process}/{file}")).unwrap());
    searched(&secrets.0, &shown.each_ref().map(Vec::as_slice));
    let environment = fs::metadata(format!("{process}/environ")).unwrap();
    assert_eq!(environment.permissions().mode() & 0o077, 0);
    assert!(!place.log().contains("command line"), "{}", place.log());

    let place = Place::new(PROGRAM);
    let set = format!("--set=subscriptions={list}");
    let _gateway = place.start(&["--allow=127.0.0.1", &set]).await;
    let log = place.log();
    assert!(
        log.contains("command line") && log.contains("PLACEOS_SLOT_SET"),
        "{log}"
    );
    searched(&secrets.0, &[log.as_bytes()]);
}

/// No dump of it is written, not by a program of the system's either, and no other process of its user
/// may look into it: then what is in `/proc` of it is not that user's.
pub(crate) fn its_memory_is_closed() {
    const NOBODY: u32 = 65534;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("placeos-slot");
    fs::copy(PROGRAM, &program).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(program);
    let user = if geteuid().is_root() {
        // Of what is root's it could not be told.
        command.uid(NOBODY).gid(NOBODY);
        NOBODY
    } else {
        geteuid().as_raw()
    };
    let mut child = command
        .args(["receive", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let process = format!("/proc/{}", Pid::from_child(&child).as_raw_nonzero());
    let owner = fs::metadata(format!("{process}/environ")).unwrap().uid();
    let limits = fs::read_to_string(format!("{process}/limits")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("Receiving at "), "{line}");
    assert_ne!(owner, user);
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let values: Vec<_> = core.split_whitespace().skip(4).collect();
    assert_eq!(values, ["0", "0", "bytes"], "{core}");
}
