//! What keeps a gateway from starting is told in one line.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

use crate::program::{PROGRAM, a_place};

/// Runs a `serve` that must fail; its exit code and its one line.
pub(crate) fn refused(mut command: Command) -> (i32, String) {
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(output.stdout.is_empty());
    let line = error.strip_prefix("placeos-slot: ").unwrap();
    (output.status.code().unwrap(), line.trim_end().to_owned())
}

#[tokio::test]
async fn an_address_or_a_folder_that_another_gateway_has() {
    let place = a_place();
    let gateway = place.start(&[]).await;
    let taken = gateway.address().to_string();

    let (code, line) = refused(a_place().serve(&["--listen", &taken]));
    assert_eq!(code, 1);
    assert!(
        line.starts_with(&format!("cannot listen on {taken}: ")),
        "{line}"
    );

    let (code, line) = refused(place.serve(&[]));
    assert_eq!(code, 1);
    assert!(
        line.starts_with("another process uses the folder"),
        "{line}"
    );
    assert!(place.data().join("access.json").exists());
}

#[tokio::test]
async fn files_that_are_not_what_they_should_be() {
    let place = a_place();
    drop(place.start(&[]).await);
    let keys = place.data().join("keys.json");
    fs::write(&keys, "{}").unwrap();
    let (code, line) = refused(place.serve(&[]));
    assert_eq!(code, 1);
    assert!(line.contains("does not hold the gateway's keys"), "{line}");

    let place = a_place();
    fs::write(place.data(), "a file").unwrap();
    let (code, _) = refused(place.serve(&[]));
    assert_eq!(code, 1);
}

#[test]
fn a_folder_that_may_not_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = || {
        let mut command = unprivileged(folder.path());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(&data);
        command
    };
    let not_permitted = |path: &Path| {
        let path = path.display();
        let line = "may not be written by this user; change its owner or permissions";
        (1, format!("{path} {line}"))
    };
    // It cannot be made; nothing can be put into it; what is in it cannot be written.
    set_mode(folder.path(), 0o555);
    assert_eq!(refused(serve()), not_permitted(folder.path()));
    set_mode(folder.path(), 0o755);
    fs::create_dir(&data).unwrap();
    set_mode(&data, 0o555);
    assert_eq!(refused(serve()), not_permitted(&data));
    set_mode(&data, 0o755);
    let store = data.join("store.redb");
    fs::write(&store, "").unwrap();
    set_mode(&store, 0o444);
    assert_eq!(refused(serve()), not_permitted(&store));
}

/// The program, run by somebody who may not do everything: root is not kept out by permissions.
fn unprivileged(folder: &Path) -> Command {
    const NOBODY: u32 = 65534;
    if !geteuid().is_root() {
        return Command::new(PROGRAM);
    }
    // Where it was built may be closed to others.
    let program = folder.join("placeos-slot");
    if !program.exists() {
        fs::copy(PROGRAM, &program).unwrap();
    }
    let mut command = Command::new(program);
    command.uid(NOBODY).gid(NOBODY);
    command
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_command_line_that_cannot_be_meant() {
    let place = a_place();
    for (arguments, start) in [
        (["--set", "contract"], "--set takes NAME=JSON"),
        (
            ["--set", "contract=hidden"],
            "the value of --set contract=… is not JSON",
        ),
        (
            ["--set", "contrakt=\"hidden\""],
            "the driver has no setting contrakt",
        ),
        (
            ["--set", r#"[{"webhook": "https://a.example/hidden?b=c"}]"#],
            "the driver has no setting of that name",
        ),
        (
            ["--set", "allowed_hosts=\"hidden\""],
            "the setting allowed_hosts",
        ),
        (
            ["--allow", "https://hidden.example/hidden"],
            "in --allow, entry 1",
        ),
        (
            ["--ca-file", "/nothing/here.pem"],
            "the certificates in /nothing/here.pem",
        ),
    ] {
        let (code, line) = refused(place.serve(&arguments));
        assert_eq!(code, 2, "{line}");
        assert!(line.starts_with(start), "{line}");
        assert!(!line.contains("hidden"), "{line}");
    }
}

#[test]
fn a_log_filter_that_is_none() {
    let place = a_place();
    let mut command = place.serve(&[]);
    command.env("PLACEOS_SLOT_LOG", "driver=loud");
    let (code, line) = refused(command);
    assert_eq!(code, 2);
    assert!(
        line.starts_with("PLACEOS_SLOT_LOG is no log filter"),
        "{line}"
    );
}
