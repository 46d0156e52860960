//! The process as core sees it: it connects, says that it is ready, and does what it is told until it
//! is told to end, or core is gone.
//!
//! The thread that reads never waits for a module, so that `start` and `info` are answered whatever
//! modules do.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use placeos_wire::Model;
use placeos_wire::frame::{self, FrameError};
use placeos_wire::{Command, Message};
use rustls::crypto::ring;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::answer::Owed;
use super::link::Link;
use super::redis::{Address, AddressError, Lookups, Redis, Subscriptions};
use super::slot::{Site, Slot};
use crate::connector::resolver::SystemResolver;
use crate::connector::tls::{Roots, RootsError};
use crate::module::{Manifest, Prepared, StartError};
use crate::signals;

/// Tells core that the process can be spoken to.
const READY: &[u8] = b"r";
/// Core kills a process that has not ended ten seconds after it was told to.
const GRACE: Duration = Duration::from_millis(9000);
const LAST_FRAMES: Duration = Duration::from_millis(500);

/// Why the process cannot work, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// Core's socket cannot be used.
    #[error("core cannot be reached at {path}: {source}")]
    Connect {
        /// The socket.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// What core sends cannot be understood any more.
    #[error("{0}")]
    Frame(String),
    /// Redis' address cannot be used.
    #[error(transparent)]
    Redis(#[from] AddressError),
    /// The program carries a driver that it cannot run.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No certificate can be trusted.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// The system refuses something.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

/// Runs the modules that core starts by the socket at `path`. Returns when core is done with it.
///
/// # Errors
///
/// If it cannot begin, or core cannot be understood.
pub fn run(path: &Path) -> Result<(), ProcessError> {
    let stream = connect(path).map_err(|source| ProcessError::Connect {
        path: path.display().to_string(),
        source,
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // One that computes must not keep all others waiting.
        .worker_threads(std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2)))
        .enable_all()
        .build()?;
    let _entered = runtime.enter();
    // The client of Redis asks for one; an error says that there is one already.
    let _ = ring::default_provider().install_default();
    let site = Arc::new(site(&stream)?);
    let stop = signals::stop()?;
    let reading = stream.try_clone()?;
    runtime.spawn(async move {
        stop.await;
        // For the thread that reads it is as if core had gone.
        let _ = reading.shutdown(Shutdown::Read);
    });
    let redis = site.redis.clone();
    runtime.spawn(async move { redis.watch().await });

    let mut process = Process {
        site: Arc::clone(&site),
        slots: BTreeMap::new(),
        ending: Vec::new(),
    };
    let end = process.obey(stream);
    let ending = process.end();
    runtime.block_on(async {
        if timeout(GRACE, ending).await.is_err() {
            tracing::warn!(
                "some modules did not end in time; the next start takes up what they left"
            );
        }
    });
    // What is still owed is answered by this.
    runtime.shutdown_timeout(LAST_FRAMES);
    site.link.flush(LAST_FRAMES);
    end.map_err(|error| ProcessError::Frame(error.to_string()))
}

/// Before all else: core waits for the byte, and does not recover if it comes late.
fn connect(path: &Path) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(path)?;
    stream.write_all(READY)?;
    Ok(stream)
}

fn site(stream: &UnixStream) -> Result<Site, ProcessError> {
    let redis = Redis::new(Address::of_environment()?);
    let lookups = Arc::new(Lookups::new(redis.clone()));
    let changed = Arc::clone(&lookups);
    let manifest = Manifest::embedded();
    Ok(Site {
        link: Link::new(stream.try_clone()?)?,
        subscriptions: Subscriptions::start(redis.clone(), move |system| changed.changed(system)),
        redis,
        lookups,
        driver: Prepared::embedded(manifest.clone())?,
        manifest,
        roots: Roots::new(None)?,
        resolver: Arc::new(SystemResolver::default()),
    })
}

struct Process {
    site: Arc<Site>,
    slots: BTreeMap<String, Slot>,
    /// Modules that were stopped and have not ended yet.
    ending: Vec<JoinHandle<()>>,
}

impl Process {
    /// Does what core says until it says `terminate`, or nothing more.
    fn obey(&mut self, mut stream: UnixStream) -> Result<(), FrameError> {
        while let Some(json) = frame::read(&mut stream)? {
            match serde_json::from_slice::<Message>(&json) {
                Ok(message) if message.cmd == Command::Terminate => return Ok(()),
                Ok(message) => self.take(message),
                Err(error) => {
                    let line = error.line();
                    tracing::warn!(
                        line,
                        "core sent a message that cannot be read; it is let go"
                    );
                }
            }
        }
        tracing::info!("core has gone");
        Ok(())
    }

    fn take(&mut self, mut message: Message) {
        match message.cmd {
            Command::Start => self.start(message),
            Command::Stop => {
                if let Some(slot) = self.slots.remove(&message.id) {
                    self.ending.retain(|ending| !ending.is_finished());
                    self.ending.push(slot.stop());
                }
            }
            Command::Update => {
                let Some(slot) = self.slots.get(&message.id) else {
                    return;
                };
                match Model::parse(message.payload.as_deref().unwrap_or_default()) {
                    Ok(model) => slot.update(model),
                    Err(_) => tracing::warn!(
                        module = message.id,
                        "core sent a model that cannot be read; the one before it stays"
                    ),
                }
            }
            Command::Exec => {
                let answer = Owed::to(&message, self.site.link.clone());
                match self.slots.get(&message.id) {
                    Some(slot) => {
                        let payload = message.payload.take().unwrap_or_default();
                        slot.exec(&payload, message.user_id, answer);
                    }
                    None => answer.fail("Exception", "driver not available"),
                }
            }
            Command::Info => {
                let loaded: Vec<_> = self.slots.keys().collect();
                Owed::to(&message, self.site.link.clone())
                    .give(serde_json::json!(loaded).to_string());
            }
            Command::Debug | Command::Ignore => {
                if let Some(slot) = self.slots.get(&message.id) {
                    slot.watch(message.cmd == Command::Debug);
                }
            }
            Command::Result => self.site.link.answered(message),
            Command::Terminate | Command::Setting | Command::Unknown => {
                tracing::warn!(?message, "core sent what a driver is not told");
            }
        }
    }

    /// Core waits for its answer without a limit. So it comes in any case, and trouble is told
    /// elsewhere.
    fn start(&mut self, message: Message) {
        match self.slots.get(&message.id) {
            Some(slot) => slot.start_again(),
            None => {
                let payload = message.payload.as_deref().unwrap_or_default();
                let model = Model::parse(payload).unwrap_or_else(|error| {
                    // Its place and not its text, which quotes what is wrong.
                    let (module, column) = (&message.id, error.column());
                    tracing::error!(module, column, "core sent a model that cannot be read");
                    Model::default()
                });
                let id = message.id.clone();
                let slot = Slot::start(Arc::clone(&self.site), id.clone(), model);
                self.slots.insert(id, slot);
            }
        }
        self.site.link.tell(&Message {
            id: message.id,
            cmd: Command::Start,
            ..Message::default()
        });
    }

    /// Stops all modules; resolves when they have ended.
    fn end(self) -> impl Future<Output = ()> {
        let stopping: Vec<_> = self.slots.into_values().map(Slot::stop).collect();
        let all = join_all(self.ending.into_iter().chain(stopping));
        async move { drop(all.await) }
    }
}
