//! A double of PlaceOS core: it starts the driver's process, tells it what it is to do, and asks it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Pid;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::desk::{Desk, Echo, Security};
use crate::program::Guard;

/// The module that most tests have.
pub const MODULE: &str = "mod-rhombus";
/// The system that modules are in.
pub const SYSTEM: &str = "sys-building";

/// How long core waits for a process that it has started.
const START: Duration = Duration::from_secs(15);

/// A core with one process of the driver. The process is killed when this is dropped.
#[derive(Debug)]
pub struct Core {
    folder: TempDir,
    log: PathBuf,
    child: Guard,
    desk: Arc<Desk>,
}

impl Core {
    /// Starts the program `placeos-slot` at `program` as core does, and waits until it is ready. Of the
    /// environment at least `REDIS_URL` is wanted.
    ///
    /// # Panics
    ///
    /// It is not ready in the time that core gives it.
    pub async fn start(program: impl AsRef<Path>, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("pos.driver");
        let mut command = Command::new(program.as_ref());
        command
            .arg("-p")
            .arg("-s")
            .arg(&socket)
            .envs(environment.iter().copied());
        Self::start_by(command, folder, &socket).await
    }

    /// The same by a command of its own, which connects to `socket` in `folder`.
    ///
    /// # Panics
    ///
    /// It is not ready in the time that core gives it.
    pub async fn start_by(mut command: Command, folder: TempDir, socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let log = socket.with_file_name("log");
        let output = File::create(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let child = Guard::new(child);
        let accepted = timeout(START, listener.accept()).await;
        let (stream, _) = accepted
            .unwrap_or_else(|_| panic!("the driver does not connect in time"))
            .unwrap();
        let (mut from_host, mut to_host) = stream.into_split();
        let ready = timeout(START, from_host.read_u8()).await;
        let ready = ready.unwrap_or_else(|_| panic!("the driver is not ready in time"));
        assert_eq!(ready.unwrap(), b'r');

        let (queue, mut frames) = mpsc::unbounded_channel::<Vec<u8>>();
        tokio::spawn(async move {
            while let Some(frame) = frames.recv().await {
                // Nothing at all ends the stream.
                if frame.is_empty() || to_host.write_all(&frame).await.is_err() {
                    return;
                }
            }
        });
        let desk = Arc::new(Desk::new(queue));
        tokio::spawn(Arc::clone(&desk).listen(from_host));
        Self {
            folder,
            log,
            child,
            desk,
        }
    }

    /// Starts a module with `settings`, besides one that lets it send to receivers of the test.
    pub async fn load(&self, module: &str, settings: Value) {
        self.begin_load(module, settings).await.unwrap();
    }

    /// The same; the answer comes when it is acknowledged.
    pub fn begin_load(&self, module: &str, settings: Value) -> oneshot::Receiver<()> {
        self.desk.keep(module, settings);
        self.desk.start(module, &self.desk.model(module))
    }

    /// Starts a module with this payload, whatever it is.
    pub fn begin_load_with(&self, module: &str, payload: &str) -> oneshot::Receiver<()> {
        self.desk.start(module, payload)
    }

    /// Sends the whole model with these settings.
    pub fn update(&self, module: &str, settings: Value) {
        self.desk.keep(module, settings);
        self.desk.tell_update(module);
    }

    /// Sends a model as it is.
    pub fn update_with(&self, module: &str, model: &Value) {
        let payload = model.to_string();
        self.tell(json!({ "id": module, "cmd": "update", "payload": payload }));
    }

    /// A module's model, as core has it now.
    pub fn model(&self, module: &str) -> Value {
        serde_json::from_str(&self.desk.model(module)).unwrap()
    }

    /// Stops a module.
    pub fn stop(&self, module: &str) {
        self.tell(json!({ "id": module, "cmd": "stop" }));
    }

    /// Sends any other message.
    pub fn tell(&self, message: Value) {
        self.desk.tell(message);
    }

    /// Sends bytes that are no frame.
    pub fn tell_raw(&self, bytes: &[u8]) {
        self.desk.tell_raw(bytes.to_owned());
    }

    /// Calls a function; the whole result.
    pub async fn exec(&self, module: &str, function: &str, arguments: Value) -> Value {
        self.begin_exec(module, function, arguments).await.unwrap()
    }

    /// The same; the answer comes later, or none does if the process ends.
    pub fn begin_exec(
        &self,
        module: &str,
        function: &str,
        arguments: Value,
    ) -> oneshot::Receiver<Value> {
        let mut payload = Map::from_iter([("__exec__".to_owned(), function.into())]);
        payload.insert(function.to_owned(), arguments);
        self.ask(json!({
            "id": module,
            "cmd": "exec",
            "user_id": "webhook.trig-1",
            "payload": Value::from(payload).to_string(),
        }))
    }

    /// Sends a request under a number of its own.
    pub fn ask(&self, message: Value) -> oneshot::Receiver<Value> {
        self.desk.ask(message)
    }

    /// The result under this number, of a request that is told as bytes.
    pub fn expect(&self, seq: u64) -> oneshot::Receiver<Value> {
        self.desk.expect(seq)
    }

    /// A webhook request, as rest-api hands it over: status and body.
    pub async fn hook(&self, module: &str, method: &str, body: Value) -> (u64, String) {
        let answer = self.begin_hook(module, method, body).await.unwrap();
        triple(&answer)
    }

    /// The same; the result comes later, or none does if the process ends.
    pub fn begin_hook(&self, module: &str, method: &str, body: Value) -> oneshot::Receiver<Value> {
        let headers = json!({
            "Host": ["placeos.example"],
            "Content-Type": ["application/json"],
            "pos-query-params": ["secret=hidden&exec=true&mod=Rhombus&method=request"],
        });
        self.begin_exec(
            module,
            "request",
            json!([method, headers, body.to_string()]),
        )
    }

    /// Has a receiver subscribed, with the secret `123456`.
    pub async fn subscribe(&self, module: &str, url: &str) {
        let body = json!({ "webhook": url, "secret": "123456" });
        let (status, body) = self.hook(module, "POST", body).await;
        assert_eq!(status, 201, "{body}\n{}", self.log());
    }

    /// The modules that the process has.
    pub async fn info(&self) -> Value {
        let result = self.ask(json!({ "id": "", "cmd": "info" })).await.unwrap();
        serde_json::from_str(result["payload"].as_str().unwrap()).unwrap()
    }

    /// There is a security module from now on, in the routing of calls. What Redis says of it is
    /// the test's to write.
    pub fn secure(&self, module: &str, security: Security) {
        let mut securities = self.desk.securities.lock().unwrap();
        securities.insert(module.to_owned(), security);
    }

    /// Calls that the driver has made.
    pub fn calls(&self) -> Vec<Value> {
        self.desk.calls.lock().unwrap().clone()
    }

    /// Log lines that the driver has sent: module, and severity with text.
    pub fn lines(&self) -> Vec<(String, Value)> {
        self.desk.lines.lock().unwrap().clone()
    }

    /// Settings that the driver has saved: module, name, value.
    pub fn saved(&self) -> Vec<(String, String, Value)> {
        self.desk.saved.lock().unwrap().clone()
    }

    /// Saved settings come back like this from now on.
    pub fn echo(&self, echo: Echo) {
        *self.desk.echo.lock().unwrap() = echo;
    }

    /// All that the process has logged and printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.child.pid()
    }

    /// Ends the process as a loss of power would, as far as the program can tell.
    pub async fn kill(&self) {
        self.child.kill().await;
        self.assert_faultless();
    }

    /// Has the process end, within the ten seconds that core gives.
    pub async fn terminate(&self) -> ExitStatus {
        self.tell(json!({ "id": "t", "cmd": "terminate" }));
        let status = self.ended().await;
        self.assert_faultless();
        status
    }

    /// Waits until the process has ended.
    pub async fn ended(&self) -> ExitStatus {
        self.child.ended().await
    }

    /// Closes the socket, as a core that ended does.
    pub fn hang_up(self) -> Orphan {
        let Self {
            folder,
            log: _,
            child,
            desk,
        } = self;
        desk.tell_raw(Vec::new());
        drop(desk);
        Orphan {
            _folder: folder,
            child,
        }
    }

    /// What the process has done that core would refuse.
    pub fn faults(&self) -> Vec<String> {
        self.desk.faults.lock().unwrap().clone()
    }

    /// Asserts that there is nothing of the kind.
    pub fn assert_faultless(&self) {
        let faults = self.faults();
        assert!(faults.is_empty(), "{faults:?}\n{}", self.log());
    }
}

/// A process whose core is gone. It is killed when dropped.
#[derive(Debug)]
pub struct Orphan {
    _folder: TempDir,
    child: Guard,
}

impl Orphan {
    /// Waits until the process has ended.
    pub async fn ended(self) -> ExitStatus {
        self.child.ended().await
    }
}

/// Status and body of a webhook's answer.
///
/// # Panics
///
/// The result is not one that rest-api takes for an answer.
pub fn triple(result: &Value) -> (u64, String) {
    assert_eq!(
        (&result["error"], &result["code"]),
        (&Value::Null, &json!(200)),
        "{result}"
    );
    let triple: Value = serde_json::from_str(result["payload"].as_str().unwrap()).unwrap();
    let triple = triple.as_array().unwrap();
    assert_eq!(triple.len(), 3);
    let headers = triple[1].as_object().unwrap();
    assert!(headers.values().all(Value::is_string));
    (
        triple[0].as_u64().unwrap(),
        triple[2].as_str().unwrap_or_default().to_owned(),
    )
}
