//! The real program, as a gateway with its module.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Reply, send};

/// Far more than anything here takes, also on a machine with much else to do.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// Waits until `condition` gives something.
pub(crate) async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(begun.elapsed() < LIMIT, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A place for a gateway's data, and for its log.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// All that the gateways at this place have logged and printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.0.path().join("log")).unwrap()
    }

    /// `serve` at this place, on a free port.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_placeos-slot"));
        command
            .env("PLACEOS_SLOT_LISTEN", "127.0.0.1:0")
            .env("PLACEOS_SLOT_DATA", self.data())
            .arg("serve")
            .args(arguments);
        command
    }

    /// Starts a gateway here and waits until it is ready.
    pub(crate) async fn start(&self, arguments: &[&str]) -> Running {
        self.start_by(self.serve(arguments)).await
    }

    /// The same, by a command of its own.
    pub(crate) async fn start_by(&self, mut command: Command) -> Running {
        let path = self.data().join("access.json");
        // One that was killed leaves it behind.
        let _ = fs::remove_file(&path);
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.0.path().join("log"))
            .unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut child = Guard(child);
        let access: Access = until("the gateway's start", async || {
            let ended = child.0.try_wait().unwrap();
            assert!(ended.is_none(), "it has ended: {}", self.log());
            read(&path)
        })
        .await;
        let running = Running { child, access };
        until("the module's start", async || {
            let ready = send(running.address(), "GET", "/readyz", &[], "").await;
            (ready.status == 200).then_some(())
        })
        .await;
        running
    }
}

fn read(path: &Path) -> Option<Access> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// `access.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Access {
    pub(crate) listen: SocketAddr,
    pub(crate) webhook_urls: [String; 2],
    pub(crate) event_key: String,
    pub(crate) admin_key: String,
}

impl Access {
    /// The paths of the webhook URLs.
    pub(crate) fn hooks(&self) -> [String; 2] {
        let origin = format!("http://{}", self.listen);
        self.webhook_urls
            .each_ref()
            .map(|url| url.strip_prefix(&origin).unwrap().to_owned())
    }
}

struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A gateway that is up. It is killed when dropped.
pub(crate) struct Running {
    child: Guard,
    pub(crate) access: Access,
}

impl Running {
    pub(crate) fn address(&self) -> SocketAddr {
        self.access.listen
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// A request to the webhook, by its short form.
    pub(crate) async fn hook(&self, method: &str, body: Value) -> Reply {
        let [_, hook] = self.access.hooks();
        send(self.address(), method, &hook, &[], body.to_string()).await
    }

    pub(crate) async fn subscribe(&self, url: &str, secret: &str) -> u16 {
        let body = json!({ "webhook": url, "secret": secret });
        self.hook("POST", body).await.status
    }

    pub(crate) async fn unsubscribe(&self, url: &str) -> u16 {
        self.hook("DELETE", json!({ "webhook": url })).await.status
    }

    /// A door event on the default channel.
    pub(crate) async fn signal(&self, event: Value) -> Reply {
        let path = "/api/engine/v2/signal?channel=security/event/door";
        let headers = [("x-api-key", self.access.event_key.as_str())];
        send(self.address(), "POST", path, &headers, event.to_string()).await
    }

    pub(crate) fn send_signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child.0), signal).unwrap();
    }

    /// Waits until the program has ended.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        until("the gateway's end", async || {
            self.child.0.try_wait().unwrap()
        })
        .await
    }

    /// Ends it as a loss of power would, as far as the program can tell.
    pub(crate) async fn kill(self) {
        self.send_signal(Signal::KILL);
        self.ended().await;
    }
}
