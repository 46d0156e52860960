//! The program in a root folder with nothing else in it than PlaceOS's own image gives a driver: no
//! C library, no loader, no shell. What it needs of a system it brings, or it does not start here.

mod names;
mod receiver;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use self::names::NameServer;
use self::receiver::Receiver;
use crate::placeos::{CHANNEL, Core, MODULE, Redis};
use crate::program::until;

/// What a receiver is called, and Redis: names that only the name server here knows.
const RECEIVER: &str = "receiver.example.test";
const REDIS: &str = "redis.example.test";
/// Where the image has its authorities, and says so in `SSL_CERT_FILE`.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

/// Copies the program at `program` into such a root, and has it do there all that a core asks of it, up
/// to a POST over TLS to a receiver that is known by name. Answers what it did, a line each.
///
/// # Panics
///
/// Something of it fails; or this is not root, who may change the root folder and be a name server.
pub async fn empty_root(program: &Path) -> Vec<String> {
    assert!(
        rustix::process::geteuid().is_root(),
        "changing the root folder and answering at port 53 take root: run it as root"
    );
    let names = NameServer::start(&[RECEIVER, REDIS]).await;
    let receiver = Receiver::start(RECEIVER).await;
    let root = furnished(program, &names, &receiver);
    let mut lines = vec![format!("in the root: {}", files(root.path()).join(" "))];

    for flag in ["-h", "-m", "-d"] {
        let Output {
            status,
            stdout,
            stderr,
        } = inside(root.path()).arg(flag).output().unwrap();
        assert!(status.success() && stderr.is_empty(), "{flag}: {status}");
        let text = String::from_utf8(stdout).unwrap();
        if flag != "-h" {
            let line = text.strip_suffix('\n').unwrap();
            let object: Value = serde_json::from_str(line).unwrap();
            assert!(!line.contains('\n') && object.is_object());
        }
        lines.push(format!("{flag}: {status}, {} bytes", text.len()));
    }

    let redis = Redis::start().await;
    let mut command = inside(root.path());
    command
        .args(["-p", "-s", "/tmp/pos.driver"])
        .env("REDIS_URL", format!("redis://{REDIS}:{}", redis.port()));
    let socket = root.path().join("tmp/pos.driver");
    let core = Core::start_by(command, root, &socket).await;
    lines.push("-p -s /tmp/pos.driver: ready".to_owned());
    core.load(MODULE, json!({ "allowed_hosts": [RECEIVER] }))
        .await;
    lines.push(format!("start {MODULE}: acknowledged"));
    let url = receiver.url();
    core.subscribe(MODULE, &url).await;
    lines.push(format!("POST of {url}: 201"));
    let event = r#"{"door_id":"lobby","action":"granted"}"#;
    until("a listener", async || {
        (redis.publish(CHANNEL, event).await > 0).then_some(())
    })
    .await;
    let post = until("the POST of the event", async || receiver.take()).await;
    let body: Value = serde_json::from_str(&post.body).unwrap();
    assert_eq!(
        (&body["door_id"], &body["action"]),
        (&json!("lobby"), &json!("granted"))
    );
    assert!(body["signature"].is_string() && !post.id.is_empty());
    lines.push(format!("received over {}: {}", post.protocol, post.body));
    let status = core.terminate().await;
    assert!(status.success());
    lines.push(format!("terminate: {status}"));
    lines
}

/// A folder that is a root for the program.
fn furnished(program: &Path, names: &NameServer, receiver: &Receiver) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    fs::create_dir_all(at(CERTIFICATES).parent().unwrap()).unwrap();
    fs::create_dir(at("tmp")).unwrap();
    fs::copy(program, at("placeos-slot")).unwrap();
    fs::write(at(CERTIFICATES), receiver.authority()).unwrap();
    fs::write(at("etc/resolv.conf"), names.resolv_conf()).unwrap();
    root
}

/// The program in `root`, with nothing in its environment but what core's image has there.
fn inside(root: &Path) -> Command {
    let mut command = Command::new("chroot");
    command
        .arg(root)
        .arg("/placeos-slot")
        .stdin(Stdio::null())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("SSL_CERT_FILE", format!("/{CERTIFICATES}"));
    command
}

/// All files under `folder`, and folders that are empty.
fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
        let before = found.len();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.push(format!("/{}", path.strip_prefix(root).unwrap().display()));
            }
        }
        if found.len() == before {
            found.push(format!(
                "/{}/",
                folder.strip_prefix(root).unwrap().display()
            ));
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}
