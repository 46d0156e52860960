//! A double of PlaceOS core: the socket, its frames, the routing of calls to security modules, and
//! settings that come back. What core would refuse, or be puzzled by, it notes as a fault, and a test
//! in which there is one fails.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{mpsc, oneshot};

use crate::redis::Redis;

/// Far more than anything here takes, also on a machine with much else to do.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);
/// The module that most tests have, and the system that it is in.
pub(crate) const MODULE: &str = "mod-rhombus";
pub(crate) const SYSTEM: &str = "sys-building";

/// Waits until `condition` gives something.
pub(crate) async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(begun.elapsed() < LIMIT, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A core with one process of the driver. The process is killed when this is dropped.
pub(crate) struct Core {
    folder: TempDir,
    child: Guard,
    shared: Arc<Shared>,
}

struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Shared {
    to_host: mpsc::UnboundedSender<Vec<u8>>,
    next: AtomicU64,
    asked: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    starting: Mutex<HashMap<String, oneshot::Sender<()>>>,
    modules: Mutex<BTreeMap<String, Map<String, Value>>>,
    systems: Mutex<HashMap<String, Security>>,
    calls: Mutex<Vec<Value>>,
    lines: Mutex<Vec<(String, Value)>>,
    saved: Mutex<Vec<(String, String, Value)>>,
    echo: Mutex<Echo>,
    faults: Mutex<Vec<String>>,
}

/// How a security module answers.
#[derive(Clone)]
pub(crate) enum Reply {
    With(Value),
    Error,
    Never,
}

/// A scripted security module.
#[derive(Clone)]
pub(crate) struct Security {
    pub(crate) door_list: Reply,
    pub(crate) unlock: Reply,
}

/// When a setting comes back that a module has saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    AtOnce,
    /// 30 ms late, and every second one after the next.
    LateAndReordered,
}

impl Core {
    /// Starts the driver's process, with its state in `redis`.
    pub(crate) async fn start(redis: &Redis) -> Self {
        Self::start_with(&[("REDIS_URL", &redis.url())]).await
    }

    /// The same, with this environment.
    pub(crate) async fn start_with(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("pos.driver");
        let listener = UnixListener::bind(&socket).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_placeos-slot"))
            .arg("-p")
            .arg("-s")
            .arg(&socket)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let child = Guard(child);
        let accepted = tokio::time::timeout(Duration::from_secs(15), listener.accept()).await;
        let (stream, _) = accepted.expect("the driver connects in time").unwrap();
        let (mut from_host, mut to_host) = stream.into_split();
        let ready = tokio::time::timeout(Duration::from_secs(15), from_host.read_u8()).await;
        assert_eq!(
            ready
                .expect("the driver says in time that it is ready")
                .unwrap(),
            b'r'
        );

        let (queue, mut frames) = mpsc::unbounded_channel::<Vec<u8>>();
        tokio::spawn(async move {
            while let Some(frame) = frames.recv().await {
                // Nothing at all ends the stream.
                if frame.is_empty() || to_host.write_all(&frame).await.is_err() {
                    return;
                }
            }
        });
        let shared = Arc::new(Shared {
            to_host: queue,
            next: AtomicU64::new(1),
            asked: Mutex::default(),
            starting: Mutex::default(),
            modules: Mutex::default(),
            systems: Mutex::default(),
            calls: Mutex::default(),
            lines: Mutex::default(),
            saved: Mutex::default(),
            echo: Mutex::new(Echo::AtOnce),
            faults: Mutex::default(),
        });
        tokio::spawn(Arc::clone(&shared).listen(from_host));
        Self {
            folder,
            child,
            shared,
        }
    }

    /// Starts a module with `settings`, besides one that lets it send to receivers of the test.
    pub(crate) async fn load(&self, module: &str, settings: Value) {
        self.begin_load(module, settings).await.unwrap();
    }

    /// The same; the answer comes when it is acknowledged.
    pub(crate) fn begin_load(&self, module: &str, settings: Value) -> oneshot::Receiver<()> {
        let (started, answer) = oneshot::channel();
        self.shared
            .starting
            .lock()
            .unwrap()
            .insert(module.to_owned(), started);
        self.shared.keep(module, settings);
        let payload = self.shared.model(module);
        self.shared
            .tell(json!({ "id": module, "cmd": "start", "payload": payload }));
        answer
    }

    /// Sends the whole model with these settings.
    pub(crate) fn update(&self, module: &str, settings: Value) {
        self.shared.keep(module, settings);
        self.shared.tell_update(module);
    }

    /// Sends a model as it is.
    pub(crate) fn update_with(&self, module: &str, model: &Value) {
        let payload = model.to_string();
        self.shared
            .tell(json!({ "id": module, "cmd": "update", "payload": payload }));
    }

    /// A module's model, as core has it now.
    pub(crate) fn model(&self, module: &str) -> Value {
        serde_json::from_str(&self.shared.model(module)).unwrap()
    }

    pub(crate) fn stop(&self, module: &str) {
        self.shared.tell(json!({ "id": module, "cmd": "stop" }));
    }

    /// Any other message.
    pub(crate) fn tell(&self, message: Value) {
        self.shared.tell(message);
    }

    /// Bytes that are no frame.
    pub(crate) fn tell_raw(&self, bytes: &[u8]) {
        self.shared.to_host.send(bytes.to_owned()).unwrap();
    }

    /// Calls a function; the whole result.
    pub(crate) async fn exec(&self, module: &str, function: &str, arguments: Value) -> Value {
        self.begin_exec(module, function, arguments).await.unwrap()
    }

    /// The same; the answer comes later.
    pub(crate) fn begin_exec(
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
    pub(crate) fn ask(&self, mut message: Value) -> oneshot::Receiver<Value> {
        let seq = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.shared.asked.lock().unwrap().insert(seq, answer);
        message["seq"] = seq.into();
        self.shared.tell(message);
        answered
    }

    /// The result under this number, of a request that is told as bytes.
    pub(crate) fn expect(&self, seq: u64) -> oneshot::Receiver<Value> {
        let (answer, answered) = oneshot::channel();
        self.shared.asked.lock().unwrap().insert(seq, answer);
        answered
    }

    /// Starts a module with this payload.
    pub(crate) fn expect_start(&self, module: &str, payload: &str) -> oneshot::Receiver<()> {
        let (started, answer) = oneshot::channel();
        self.shared
            .starting
            .lock()
            .unwrap()
            .insert(module.to_owned(), started);
        self.tell(json!({ "id": module, "cmd": "start", "payload": payload }));
        answer
    }

    /// A webhook request, as rest-api hands it over: status and body.
    pub(crate) async fn hook(&self, module: &str, method: &str, body: Value) -> (u64, String) {
        let answer = self.begin_hook(module, method, body).await.unwrap();
        triple(&answer)
    }

    pub(crate) fn begin_hook(
        &self,
        module: &str,
        method: &str,
        body: Value,
    ) -> oneshot::Receiver<Value> {
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
    pub(crate) async fn subscribe(&self, module: &str, url: &str) {
        let body = json!({ "webhook": url, "secret": "123456" });
        let (status, body) = self.hook(module, "POST", body).await;
        assert_eq!(status, 201, "{body}\n{}", self.log());
    }

    pub(crate) async fn info(&self) -> Value {
        let result = self.ask(json!({ "id": "", "cmd": "info" })).await.unwrap();
        serde_json::from_str(result["payload"].as_str().unwrap()).unwrap()
    }

    /// There is a security module from now on, in the routing of calls. What Redis says of it is
    /// the test's to write.
    pub(crate) fn secure(&self, module: &str, security: Security) {
        self.shared
            .systems
            .lock()
            .unwrap()
            .insert(module.to_owned(), security);
    }

    /// Calls that the driver has made.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// Log lines that the driver has sent: module, and severity with text.
    pub(crate) fn lines(&self) -> Vec<(String, Value)> {
        self.shared.lines.lock().unwrap().clone()
    }

    /// Settings that the driver has saved: module, name, value.
    pub(crate) fn saved(&self) -> Vec<(String, String, Value)> {
        self.shared.saved.lock().unwrap().clone()
    }

    pub(crate) fn echo(&self, echo: Echo) {
        *self.shared.echo.lock().unwrap() = echo;
    }

    /// All that the process has logged and printed.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// Ends the process as a loss of power would, as far as the program can tell.
    pub(crate) fn kill(mut self) {
        self.child.0.kill().unwrap();
        self.child.0.wait().unwrap();
        self.assert_faultless();
    }

    /// Has the process end, within the ten seconds that core gives.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        self.tell(json!({ "id": "t", "cmd": "terminate" }));
        let status = self.ended().await;
        self.assert_faultless();
        status
    }

    /// Waits until the process has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        until("the process's end", async || {
            self.child.0.try_wait().unwrap()
        })
        .await
    }

    /// Closes the socket, as a core that ended does.
    pub(crate) fn hang_up(self) -> Orphan {
        let Self {
            folder,
            child,
            shared,
        } = self;
        shared.to_host.send(Vec::new()).unwrap();
        drop(shared);
        Orphan {
            _folder: folder,
            child,
        }
    }

    pub(crate) fn assert_faultless(&self) {
        let faults = self.shared.faults.lock().unwrap();
        assert!(faults.is_empty(), "{faults:?}\n{}", self.log());
    }
}

/// A process whose core is gone.
pub(crate) struct Orphan {
    _folder: TempDir,
    child: Guard,
}

impl Orphan {
    pub(crate) async fn ended(mut self) -> ExitStatus {
        until("the process's end", async || {
            self.child.0.try_wait().unwrap()
        })
        .await
    }
}

/// Status and body of a webhook's answer.
pub(crate) fn triple(result: &Value) -> (u64, String) {
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

impl Shared {
    fn tell(&self, message: Value) {
        let json = message.to_string();
        let length = i32::try_from(json.len()).unwrap();
        let mut frame = length.to_le_bytes().to_vec();
        frame.extend_from_slice(json.as_bytes());
        // A process that has ended gets nothing any more.
        let _ = self.to_host.send(frame);
    }

    fn tell_update(&self, module: &str) {
        let payload = self.model(module);
        self.tell(json!({ "id": module, "cmd": "update", "payload": payload }));
    }

    /// Settings that let the driver send to receivers of the test, and others.
    fn keep(&self, module: &str, settings: Value) {
        let Value::Object(settings) = settings else {
            panic!("settings are an object")
        };
        let mut all = Map::from_iter([("allowed_hosts".to_owned(), json!(["127.0.0.1"]))]);
        let mut modules = self.modules.lock().unwrap();
        // What the module saved stays.
        if let Some(before) = modules.get(module)
            && let Some(saved) = before.get("saved_subscriptions")
        {
            all.insert("saved_subscriptions".to_owned(), saved.clone());
        }
        all.extend(settings);
        modules.insert(module.to_owned(), all);
    }

    fn model(&self, module: &str) -> String {
        let settings = self.modules.lock().unwrap()[module].clone();
        json!({
            "created_at": 1_767_225_600, "updated_at": 1_767_225_600, "ip": "", "port": 0,
            "tls": false, "udp": false, "makebreak": false, "uri": "", "name": "Rhombus",
            "custom_name": null, "role": 99, "connected": true, "running": true, "notes": "",
            "ignore_connected": false, "ignore_startstop": false, "launch_on_execute": false,
            "control_system_id": SYSTEM, "driver_id": "driver-1", "edge_id": null, "id": module,
            "control_system": {
                "id": SYSTEM, "name": "Security", "description": "", "features": [], "email": null,
                "bookable": false, "capacity": 0, "zones": ["zone-1"], "modules": [module],
                "timezone": "Australia/Sydney", "support_url": "", "images": [],
                "security_groups": [],
            },
            "settings": settings,
        })
        .to_string()
    }

    /// Reads as core does: in pieces of 2,048 bytes, split at the end mark; of each piece what
    /// follows the last begin mark.
    async fn listen(self: Arc<Self>, mut from_host: OwnedReadHalf) {
        let mut read = Vec::new();
        let mut piece = [0; 2048];
        loop {
            match from_host.read(&mut piece).await {
                Ok(length) if length > 0 => read.extend_from_slice(&piece[..length]),
                _ => return,
            }
            while let Some(end) = position(&read, b"\0\x03") {
                let frame: Vec<_> = read.drain(..end + 2).collect();
                let begin = position(&frame, b"\0\x02");
                if begin != Some(0) {
                    self.fault(format!("noise before a frame: {frame:?}"));
                }
                let json = &frame[begin.map_or(0, |begin| begin + 2)..end];
                match serde_json::from_slice(json) {
                    Ok(message) => self.take(message),
                    Err(error) => self.fault(format!("no JSON: {error}")),
                }
            }
        }
    }

    fn fault(&self, what: String) {
        self.faults.lock().unwrap().push(what);
    }

    fn take(self: &Arc<Self>, message: Value) {
        let Some(id) = message["id"].as_str().map(str::to_owned) else {
            return self.fault(format!("no id: {message}"));
        };
        let payload = message["payload"].as_str();
        if payload.is_none() && !message["payload"].is_null() {
            self.fault(format!("a payload that is no text: {message}"));
        }
        let payload = payload.unwrap_or_default();
        match message["cmd"].as_str() {
            Some("start") => match self.starting.lock().unwrap().remove(&id) {
                Some(started) => drop(started.send(())),
                None => self.fault(format!("nobody started {id}")),
            },
            Some("result") => {
                let seq = message["seq"].as_u64();
                match seq.and_then(|seq| self.asked.lock().unwrap().remove(&seq)) {
                    Some(answer) => drop(answer.send(message)),
                    None => self.fault(format!("a result that nobody waits for: {message}")),
                }
            }
            Some("exec") => self.route(message.clone(), payload),
            Some("setting") => match serde_json::from_str(payload) {
                Ok((name, value)) => self.save(id, name, value),
                Err(error) => self.fault(format!("no setting: {error}")),
            },
            Some("debug") => match serde_json::from_str::<(u8, String)>(payload) {
                Ok((severity, text)) => {
                    let line = (id, json!([severity, text]));
                    self.lines.lock().unwrap().push(line);
                }
                Err(error) => self.fault(format!("no log line: {error}")),
            },
            other => self.fault(format!("unexpected: {other:?}")),
        }
    }

    /// Has another module answer a call of the driver.
    fn route(self: &Arc<Self>, message: Value, payload: &str) {
        self.calls.lock().unwrap().push(message.clone());
        let (Ok(call), Some(seq)) = (
            serde_json::from_str::<Value>(payload),
            message["seq"].as_u64(),
        ) else {
            return self.fault(format!("no call: {message}"));
        };
        let function = call["__exec__"].as_str().unwrap_or_default().to_owned();
        if call.get(&function).is_none() || message["reply"].as_str().is_none() {
            return self.fault(format!("an incomplete call: {message}"));
        }
        let security = self
            .systems
            .lock()
            .unwrap()
            .get(message["id"].as_str().unwrap())
            .cloned();
        let reply = match (security, function.as_str()) {
            (Some(security), "door_list") => security.door_list,
            (Some(security), "unlock") => security.unlock,
            _ => Reply::Error,
        };
        let result = json!({
            "id": message["id"], "cmd": "result", "seq": seq, "reply": message["reply"],
        });
        let with = |members: Value| {
            let mut result = result.clone();
            result
                .as_object_mut()
                .unwrap()
                .extend(members.as_object().unwrap().clone());
            result
        };
        match reply {
            Reply::With(value) => {
                self.tell(with(json!({ "code": 200, "payload": value.to_string() })))
            }
            Reply::Error => self.tell(with(json!({
                "code": 500,
                "payload": "Could not locate module, it is stopped",
                "error": "PlaceOS::Core::ModuleError",
            }))),
            Reply::Never => {}
        }
    }

    /// Merges a setting, and sends the model as it then is, when its time comes.
    fn save(self: &Arc<Self>, module: String, name: String, value: Value) {
        let count = {
            let mut saved = self.saved.lock().unwrap();
            saved.push((module.clone(), name.clone(), value.clone()));
            saved.len()
        };
        if let Some(settings) = self.modules.lock().unwrap().get_mut(&module) {
            settings.insert(name, value);
        }
        let payload = self.model(&module);
        let update = json!({ "id": module, "cmd": "update", "payload": payload });
        let delay = match *self.echo.lock().unwrap() {
            Echo::AtOnce => return self.tell(update),
            Echo::LateAndReordered if count.is_multiple_of(2) => Duration::from_millis(30),
            Echo::LateAndReordered => Duration::from_millis(75),
        };
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            shared.tell(update);
        });
    }
}

fn position(bytes: &[u8], mark: &[u8; 2]) -> Option<usize> {
    bytes.windows(2).position(|window| window == mark)
}
