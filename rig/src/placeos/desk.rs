//! What core does with the frames of a process: it routes calls to security modules, and sends settings
//! back that a module has saved. What a real one would refuse, or be puzzled by, is noted as a fault.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{mpsc, oneshot};

use super::core::SYSTEM;

/// How a security module answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With this.
    With(Value),
    /// As core answers for one that is stopped.
    Error,
    /// Not at all.
    Never,
}

/// A scripted security module.
#[derive(Clone, Debug)]
pub struct Security {
    /// What it answers when its doors are asked for.
    pub door_list: Reply,
    /// What it answers when a door is to be unlocked.
    pub unlock: Reply,
}

/// When a setting comes back that a module has saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// At once.
    AtOnce,
    /// 30 ms late, and every second one after the next.
    LateAndReordered,
}

/// The side of core that one process of the driver speaks to.
#[derive(Debug)]
pub(super) struct Desk {
    /// Frames to the process; an empty one ends the stream.
    to_host: mpsc::UnboundedSender<Vec<u8>>,
    next: AtomicU64,
    waiting: Mutex<Waiting>,
    /// The settings of each module.
    modules: Mutex<BTreeMap<String, Map<String, Value>>>,
    pub(super) securities: Mutex<HashMap<String, Security>>,
    pub(super) calls: Mutex<Vec<Value>>,
    pub(super) lines: Mutex<Vec<(String, Value)>>,
    pub(super) saved: Mutex<Vec<(String, String, Value)>>,
    pub(super) echo: Mutex<Echo>,
    pub(super) faults: Mutex<Vec<String>>,
}

/// Who waits for the process.
#[derive(Debug, Default)]
struct Waiting {
    asked: HashMap<u64, oneshot::Sender<Value>>,
    starting: HashMap<String, oneshot::Sender<()>>,
    /// The process is gone: nobody need wait for it.
    is_over: bool,
}

impl Desk {
    /// Sends frames by `to_host`.
    pub(super) fn new(to_host: mpsc::UnboundedSender<Vec<u8>>) -> Self {
        Self {
            to_host,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            modules: Mutex::default(),
            securities: Mutex::default(),
            calls: Mutex::default(),
            lines: Mutex::default(),
            saved: Mutex::default(),
            echo: Mutex::new(Echo::AtOnce),
            faults: Mutex::default(),
        }
    }

    pub(super) fn tell(&self, message: Value) {
        let json = message.to_string();
        let length = i32::try_from(json.len()).unwrap();
        let mut frame = length.to_le_bytes().to_vec();
        frame.extend_from_slice(json.as_bytes());
        self.tell_raw(frame);
    }

    /// Sends bytes. A process that has ended gets nothing any more.
    pub(super) fn tell_raw(&self, bytes: Vec<u8>) {
        let _ = self.to_host.send(bytes);
    }

    /// Sends a request under a number of its own. There is no answer if the process ends before.
    pub(super) fn ask(&self, mut message: Value) -> oneshot::Receiver<Value> {
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        let answered = self.expect(seq);
        message["seq"] = seq.into();
        self.tell(message);
        answered
    }

    /// The result under this number.
    pub(super) fn expect(&self, seq: u64) -> oneshot::Receiver<Value> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap();
        if !waiting.is_over {
            waiting.asked.insert(seq, answer);
        }
        answered
    }

    /// Starts a module; the answer comes when it is acknowledged.
    pub(super) fn start(&self, module: &str, payload: &str) -> oneshot::Receiver<()> {
        let (started, answer) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap();
        if !waiting.is_over {
            waiting.starting.insert(module.to_owned(), started);
        }
        drop(waiting);
        self.tell(json!({ "id": module, "cmd": "start", "payload": payload }));
        answer
    }

    /// Sends the model as it is now.
    pub(super) fn tell_update(&self, module: &str) {
        let payload = self.model(module);
        self.tell(json!({ "id": module, "cmd": "update", "payload": payload }));
    }

    /// Takes these settings, and one that lets the driver send to receivers of the test.
    pub(super) fn keep(&self, module: &str, settings: Value) {
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

    /// A module's model, as JSON text.
    pub(super) fn model(&self, module: &str) -> String {
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

    /// Reads until the process is gone.
    pub(super) async fn listen(self: Arc<Self>, from_host: OwnedReadHalf) {
        self.read(from_host).await;
        *self.waiting.lock().unwrap() = Waiting {
            is_over: true,
            ..Waiting::default()
        };
    }

    /// Reads as core does: in pieces of 2,048 bytes, split at the end mark; of each piece what
    /// follows the last begin mark.
    async fn read(self: &Arc<Self>, mut from_host: OwnedReadHalf) {
        let mut read = Vec::new();
        // No end mark begins before here. A list of ten thousand doors comes in hundreds of pieces: to search
        // all that came before with each of them would take longer than the list itself.
        let mut searched = 0;
        let mut piece = [0; 2048];
        loop {
            match from_host.read(&mut piece).await {
                Ok(length) if length > 0 => read.extend_from_slice(&piece[..length]),
                _ => return,
            }
            while let Some(end) = position(&read[searched..], b"\0\x03") {
                let end = searched + end;
                let frame: Vec<_> = read.drain(..end + 2).collect();
                searched = 0;
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
            searched = read.len().saturating_sub(1);
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
            Some("start") => match self.waiting.lock().unwrap().starting.remove(&id) {
                Some(started) => drop(started.send(())),
                None => self.fault(format!("nobody started {id}")),
            },
            Some("result") => {
                let seq = message["seq"].as_u64();
                let answer = seq.and_then(|seq| self.waiting.lock().unwrap().asked.remove(&seq));
                match answer {
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
    fn route(&self, message: Value, payload: &str) {
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
        let securities = self.securities.lock().unwrap();
        let security = securities.get(message["id"].as_str().unwrap()).cloned();
        drop(securities);
        let reply = match (security, function.as_str()) {
            (Some(security), "door_list") => security.door_list,
            (Some(security), "unlock") => security.unlock,
            _ => Reply::Error,
        };
        let mut result = json!({
            "id": message["id"], "cmd": "result", "seq": seq, "reply": message["reply"],
        });
        match reply {
            Reply::With(value) => {
                result["code"] = json!(200);
                result["payload"] = value.to_string().into();
            }
            Reply::Error => {
                result["code"] = json!(500);
                result["payload"] = json!("Could not locate module, it is stopped");
                result["error"] = json!("PlaceOS::Core::ModuleError");
            }
            Reply::Never => return,
        }
        self.tell(result);
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
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            desk.tell(update);
        });
    }
}

fn position(bytes: &[u8], mark: &[u8; 2]) -> Option<usize> {
    bytes.windows(2).position(|window| window == mark)
}
