//! The real program, as a gateway with its module, at a place of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Reply, send, try_send};

/// Far more than anything here takes, also on a machine with much else to do.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The path by which door events come in, on the default channel.
pub const SIGNAL: &str = "/api/engine/v2/signal?channel=security/event/door";

/// Waits until `condition` gives something.
///
/// # Panics
///
/// It does not within [`LIMIT`].
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(begun.elapsed() < LIMIT, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A place for a gateway's data, and for its log. It is gone when dropped.
#[derive(Debug)]
pub struct Place {
    program: PathBuf,
    folder: TempDir,
}

impl Place {
    /// A new one, for gateways that are the program `placeos-slot` at `program`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// All that the gateways at this place have logged and printed.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// `serve` at this place, on a free port.
    pub fn serve(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("serve").args(arguments);
        self.here(&mut command);
        command
    }

    /// Has what `command` starts serve at this place, on a free port.
    pub fn here(&self, command: &mut Command) {
        command
            .env("PLACEOS_SLOT_LISTEN", "127.0.0.1:0")
            .env("PLACEOS_SLOT_DATA", self.data());
    }

    /// Starts a gateway here and waits until it is ready.
    pub async fn start(&self, arguments: &[&str]) -> Running {
        self.start_by(self.serve(arguments)).await
    }

    /// The same, by a command of its own.
    pub async fn start_by(&self, command: Command) -> Running {
        self.launch(command).ready().await
    }

    /// Starts a gateway and waits for nothing.
    pub fn launch(&self, mut command: Command) -> Starting<'_> {
        // One that was killed leaves it behind.
        let _ = fs::remove_file(self.access());
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Starting {
            place: self,
            child: Guard::new(child),
        }
    }

    fn access(&self) -> PathBuf {
        self.data().join("access.json")
    }
}

/// A gateway that may not be up yet. It is killed when dropped.
#[derive(Debug)]
pub struct Starting<'a> {
    place: &'a Place,
    child: Guard,
}

impl Starting<'_> {
    /// Waits until it is ready.
    pub async fn ready(self) -> Running {
        let access: Access = until("the gateway's start", async || {
            self.check();
            read(&self.place.access())
        })
        .await;
        until("the module's start", async || {
            self.check();
            let asked = try_send(access.listen, "GET", "/readyz", &[], "").await;
            asked.is_ok_and(|ready| ready.status == 200).then_some(())
        })
        .await;
        Running {
            child: self.child,
            access,
        }
    }

    /// Kills it, as far as it may have come.
    pub async fn kill(self) {
        self.child.kill().await;
    }

    fn check(&self) {
        let ended = self.child.has_ended();
        assert!(ended.is_none(), "it has ended: {}", self.place.log());
    }
}

fn read(path: &Path) -> Option<Access> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// `access.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The webhook in its two forms, with a query and with a path only.
    pub webhook_urls: [String; 2],
    /// For door events.
    pub event_key: String,
    /// For operators.
    pub admin_key: String,
}

impl Access {
    /// The paths of the webhook URLs.
    pub fn hooks(&self) -> [String; 2] {
        let origin = format!("http://{}", self.listen);
        self.webhook_urls
            .each_ref()
            .map(|url| url.strip_prefix(&origin).unwrap().to_owned())
    }
}

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Guard(Mutex<Child>);

impl Guard {
    pub(crate) fn new(child: Child) -> Self {
        Self(Mutex::new(child))
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.0.lock().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn has_ended(&self) -> Option<ExitStatus> {
        self.0.lock().unwrap().try_wait().unwrap()
    }

    pub(crate) async fn ended(&self) -> ExitStatus {
        until("the program's end", async || self.has_ended()).await
    }

    pub(crate) async fn kill(&self) {
        self.signal(Signal::KILL);
        self.ended().await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let child = self.0.get_mut().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A gateway that is up. It is killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Guard,
    /// How it is reached.
    pub access: Access,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.access.listen
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.child.pid()
    }

    /// A request to the webhook, by its short form.
    pub async fn hook(&self, method: &str, body: Value) -> Reply {
        let [_, hook] = self.access.hooks();
        send(self.address(), method, &hook, &[], body.to_string()).await
    }

    /// Subscribes; answers the status.
    pub async fn subscribe(&self, url: &str, secret: &str) -> u16 {
        let body = json!({ "webhook": url, "secret": secret });
        self.hook("POST", body).await.status
    }

    /// Unsubscribes; answers the status.
    pub async fn unsubscribe(&self, url: &str) -> u16 {
        self.hook("DELETE", json!({ "webhook": url })).await.status
    }

    /// A door event on the default channel.
    pub async fn signal(&self, event: Value) -> Reply {
        let headers = [("x-api-key", self.access.event_key.as_str())];
        send(self.address(), "POST", SIGNAL, &headers, event.to_string()).await
    }

    /// A door event on the default channel, named by whoever sends it.
    pub async fn signal_as(&self, id: &str, event: Value) -> Reply {
        let key = self.access.event_key.as_str();
        let headers = [("x-api-key", key), ("idempotency-key", id)];
        send(self.address(), "POST", SIGNAL, &headers, event.to_string()).await
    }

    /// A request with the admin key.
    pub async fn operator(&self, method: &str, path: &str, body: Value) -> Reply {
        let bearer = format!("Bearer {}", self.access.admin_key);
        let headers = [("authorization", bearer.as_str())];
        send(self.address(), method, path, &headers, body.to_string()).await
    }

    /// The module's status keys.
    pub async fn status(&self) -> Value {
        let reply = self.operator("GET", "/api/status", Value::Null).await;
        assert_eq!(reply.status, 200);
        reply.json()
    }

    /// Sends a signal to the process.
    pub fn send_signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    /// Waits until the program has ended.
    pub async fn ended(self) -> ExitStatus {
        self.child.ended().await
    }

    /// Ends it as a loss of power would, as far as the program can tell.
    pub async fn kill(self) {
        self.child.kill().await;
    }
}
