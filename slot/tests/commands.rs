//! `install` and `check`, as a person runs them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_placeos-slot");

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn install(file_name: &str, commit: &str, folder: &Path) -> Output {
    let folder = folder.to_str().unwrap();
    let arguments = [
        "--file-name",
        file_name,
        "--commit",
        commit,
        "--dir",
        folder,
    ];
    run(&[&["install"], &arguments[..]].concat())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn what_is_installed_is_what_core_looks_for() {
    let folder = tempfile::tempdir().unwrap();
    let architecture = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let name = format!("drivers_rhombus_driver_abcdef1_{architecture}");
    let path = folder.path().join(&name);
    // What is there is replaced, also what a killed installation left.
    fs::write(&path, "an older one").unwrap();
    fs::write(folder.path().join(format!(".{name}.new")), "half").unwrap();
    let installed = install("drivers/rhombus/driver.cr", "ABCDEF1234", folder.path());
    assert!(installed.status.success(), "{}", text(&installed.stderr));
    assert_eq!(text(&installed.stdout), format!("{}\n", path.display()));
    assert_eq!(names(folder.path()), [name]);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o755
    );
    assert!(fs::read(&path).unwrap() == fs::read(PROGRAM).unwrap());

    // The acceptance test of core, and what its build service asks.
    let help = Command::new(&path).arg("-h").output().unwrap();
    assert!(help.status.success());
    let metadata = Command::new(&path).arg("-m").output().unwrap();
    assert_eq!(metadata.stdout, run(&["-m"]).stdout);
}

#[test]
fn what_core_would_not_find_is_not_installed() {
    let folder = tempfile::tempdir().unwrap();
    for (file_name, commit, reason) in [
        ("drivers/rhombus/driver.cr", "HEAD", "hexadecimal"),
        ("drivers/rhombus/driver.cr", "abcdef", "hexadecimal"),
        ("/driver.cr", "abcdef1", "file_name"),
        ("", "abcdef1", "file_name"),
    ] {
        let refused = install(file_name, commit, folder.path());
        assert_eq!(refused.status.code(), Some(2));
        let error = text(&refused.stderr);
        assert!(error.contains(reason), "{error}");
    }
    let nowhere = install("driver.cr", "abcdef1", &folder.path().join("none"));
    assert_eq!(nowhere.status.code(), Some(1));
    let error = text(&nowhere.stderr);
    assert!(error.contains("there is no folder"), "{error}");
    assert!(names(folder.path()).is_empty());
}

/// Answers HEAD with what its clock says, which is `late`.
fn receiver(late: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            if stream.fill_buf().unwrap()[0] != b'H' {
                stream.get_mut().write_all(b"this is no TLS\r\n").unwrap();
                continue;
            }
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            assert_eq!(line, "HEAD / HTTP/1.1\r\n");
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).unwrap();
            }
            let date = httpdate::fmt_http_date(SystemTime::now() - late);
            let answer =
                format!("HTTP/1.1 404 Not Found\r\ndate: {date}\r\ncontent-length: 0\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// A file of one authority, so that it does not count what this machine trusts.
fn authority() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let names = vec!["authority.example".to_owned()];
    let authority = rcgen::generate_simple_self_signed(names).unwrap();
    fs::write(&path, authority.cert.pem()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// Checks a gateway's place: the lines, and whether it can work.
fn check(data: &Path, subscriptions: &str, allow: &str) -> (Vec<String>, bool) {
    let (_folder, authority) = authority();
    let checked = run(&[
        "check",
        "--data",
        data.to_str().unwrap(),
        "--set",
        &format!("subscriptions={subscriptions}"),
        "--allow",
        allow,
        "--ca-file",
        &authority,
    ]);
    let lines: Vec<_> = text(&checked.stdout).lines().map(str::to_owned).collect();
    let has_bad = lines.iter().any(|line| line.starts_with("BAD"));
    assert_eq!(checked.status.code(), Some(i32::from(has_bad)), "{lines:?}");
    assert!(
        !lines.iter().any(|line| line.contains("hidden")),
        "{lines:?}"
    );
    (lines, !has_bad)
}

#[track_caller]
fn assert_has(lines: &[String], wanted: &str) {
    let has = lines.iter().any(|line| line.contains(wanted));
    assert!(has, "{wanted}: {lines:#?}");
}

#[test]
fn a_place_that_can_work_is_told_so_and_left_as_it_was() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let receiver = receiver(Duration::ZERO);
    let webhook = format!(r#"[{{"webhook": "http://{receiver}/hidden"}}]"#);
    let data = folder.path().join("data");
    let (lines, _) = check(&data, &webhook, "127.0.0.1");
    assert_has(&lines, &format!("store {}: ", data.display()));
    assert_has(&lines, &format!("good  http://{receiver}: reached within"));
    assert_has(&lines, "it answers (404)");
    assert_has(&lines, "good  certificates: ");
    assert_has(
        &lines,
        &format!("good  clock: it agrees with that of http://{receiver}"),
    );
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_cannot_work_is_named_with_what_to_do() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let late = receiver(Duration::from_secs(3600));
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let webhooks = format!(
        r#"[{{"webhook": "http://{late}/hidden"}}, {{"webhook": "http://{closed}/hidden"}},
            {{"webhook": "https://{late}/hidden"}}, {{"webhook": "https://10.0.0.1/hidden"}}]"#
    );
    let (lines, can_work) = check(&file.join("data"), &webhooks, "127.0.0.1");
    assert!(!can_work);
    assert_has(
        &lines,
        &format!("BAD   store {}", file.join("data").display()),
    );
    assert_has(
        &lines,
        &format!("BAD   http://{closed}: {closed}: Connection refused"),
    );
    assert_has(&lines, &format!("BAD   https://{late}: "));
    assert_has(&lines, "mend its certificate");
    assert_has(&lines, "BAD   https://10.0.0.1: ");
    assert_has(&lines, "add it to the setting allowed_hosts");
    assert_has(&lines, &format!("s from that of http://{late}"));
}

#[test]
fn a_check_that_is_asked_wrongly_is_none() {
    for arguments in [
        &["check", "--set", "contract=hidden"][..],
        &["check", "--placeos", "--data", "data"],
    ] {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(refused.stdout.is_empty());
    }
}
