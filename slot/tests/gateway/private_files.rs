//! What the gateway keeps is its owner's alone, and what may not be is not used.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use rig::program::{Place, until};
use rustix::process::{Signal, geteuid};

use crate::program::{PROGRAM, a_place};
use crate::refusal::refused;

/// The files that a gateway finds again, and one that it has while it runs.
const KEPT: [&str; 3] = ["keys.json", "settings.json", "store.redb"];
const ACCESS: &str = "access.json";

#[tokio::test]
async fn what_is_made_is_the_owners_alone_whatever_the_umask() {
    for umask in ["000", "077", "777"] {
        let place = a_place();
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"umask "$1"; exec "$0" serve --allow 127.0.0.1"#])
            .args([PROGRAM, umask]);
        place.here(&mut command);
        let gateway = place.start_by(command).await;
        // It makes the driver save its settings.
        assert_eq!(
            gateway.subscribe("http://127.0.0.1:9/", "123456").await,
            201
        );
        until("the saved settings", async || {
            place.data().join("settings.json").exists().then_some(())
        })
        .await;
        assert_eq!(mode(&place.data()), 0o700, "umask {umask}");
        for file in KEPT.iter().chain([&ACCESS]) {
            assert_eq!(
                mode(&place.data().join(file)),
                0o600,
                "{file}, umask {umask}"
            );
        }
    }
}

#[tokio::test]
async fn what_others_can_read_is_refused_with_the_command_that_mends_it() {
    let place = a_used_place().await;
    for file in KEPT {
        let path = place.data().join(file);
        for open in [0o640, 0o604, 0o660, 0o602] {
            fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
            let (code, line) = refused(place.serve(&[]));
            assert_eq!(code, 1);
            let mending = format!("chmod 600 {}", path.display());
            assert!(line.ends_with(&mending), "{line}");
            run(&mending);
        }
    }
    drop(place.start(&[]).await);
}

#[tokio::test]
async fn what_others_can_put_there_is_refused() {
    let place = a_used_place().await;
    for file in KEPT {
        let path = place.data().join(file);
        let elsewhere = place.data().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        let (code, line) = refused(place.serve(&[]));
        assert_eq!(code, 1);
        let told = format!("{} is no plain file", path.display());
        assert!(line.starts_with(&told), "{line}");
        fs::rename(&elsewhere, &path).unwrap();

        // Only root can give a file away.
        if geteuid().is_root() {
            chown(&path, Some(65534), None).unwrap();
            let (code, line) = refused(place.serve(&[]));
            assert_eq!(code, 1);
            assert!(line.contains("belongs to another user"), "{line}");
            let (_, mending) = line.split_once("run: ").unwrap();
            run(mending);
        }
    }

    // That others see the names of the files does no harm.
    set_mode(&place.data(), 0o755);
    drop(place.start(&[]).await);
    for open in [0o775, 0o757, 0o1777] {
        set_mode(&place.data(), open);
        let (code, line) = refused(place.serve(&[]));
        assert_eq!(code, 1);
        let mending = format!("chmod go-w {}", place.data().display());
        assert!(line.ends_with(&mending), "{line}");
        run(&mending);
    }
    drop(place.start(&[]).await);
}

/// A place where a gateway was, and has left all of its files.
async fn a_used_place() -> Place {
    let place = a_place();
    let gateway = place.start(&["--allow=127.0.0.1"]).await;
    assert_eq!(
        gateway.subscribe("http://127.0.0.1:9/", "123456").await,
        201
    );
    until("its files", async || {
        let there = |file: &&str| place.data().join(file).exists();
        KEPT.iter().all(there).then_some(())
    })
    .await;
    gateway.send_signal(Signal::TERM);
    gateway.ended().await;
    place
}

/// Does what a sentence of the program says.
fn run(command: &str) {
    let mut words = command.split(' ');
    let mut program = Command::new(words.next().unwrap());
    assert!(program.args(words).status().unwrap().success(), "{command}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
