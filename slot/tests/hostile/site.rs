//! A process with two modules: the hostile component, and a neighbour.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use placeos_slot::module::{Manifest, Module, Request, Response, StartError};
use rig::program::until;
use serde_json::json;
use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::clock::ManualClock;
use crate::host::Host;
use crate::log;
use crate::neighbour::Neighbour;

/// Threads of a process on a machine with two cores.
pub(crate) const THREADS: usize = 2;

pub(crate) struct Site {
    name: String,
    pub(crate) neighbour: Neighbour,
    pub(crate) host: Host,
    pub(crate) clock: ManualClock,
}

/// The hostile component as a module that runs.
#[derive(Clone)]
pub(crate) struct Hostile {
    name: String,
    pub(crate) module: Module,
    clock: ManualClock,
}

impl Site {
    /// A process in which the neighbour is loaded. Reports name the module `name`.
    pub(crate) async fn new(name: String) -> Self {
        let clock = ManualClock::default();
        Self {
            name,
            neighbour: Neighbour::new().await,
            host: Host::new(clock.clone()),
            clock,
        }
    }

    /// Loads the component, which will do `deed` in the exports `places`.
    pub(crate) fn start(&self, places: &str, deed: &str) -> Hostile {
        let (hostile, _) = self.started(places, deed, Manifest::embedded()).unwrap();
        hostile
    }

    /// The same, with this manifest.
    pub(crate) fn started(
        &self,
        places: &str,
        deed: &str,
        manifest: Manifest,
    ) -> Result<(Hostile, JoinHandle<()>), StartError> {
        let settings = json!({ "in": places, "do": deed }).to_string();
        // SAFETY: the component was compiled here.
        let (module, supervisor) = unsafe {
            Module::from_compiled(compiled(), manifest, self.host.capabilities(), settings)?
        };
        let span = tracing::error_span!("module", id = self.name);
        let supervised = tokio::spawn(supervisor.run().instrument(span));
        let hostile = Hostile {
            name: self.name.clone(),
            module,
            clock: self.clock.clone(),
        };
        Ok((hostile, supervised))
    }
}

impl Hostile {
    /// A webhook request of this verb.
    pub(crate) async fn ask(&self, method: &str) -> Response {
        self.module.request(request(method)).await
    }

    /// Sees that the slot has said of this module `what`.
    pub(crate) async fn is_reported(&self, what: &str) {
        until(&format!("a report says {what:?}"), async || {
            log::has(&self.name, what).then_some(())
        })
        .await;
    }

    /// Sees that the module is down, and that another instance is loaded after so many seconds.
    pub(crate) async fn restarts_after(&self, seconds: u64) {
        self.is_loaded_again_after(seconds).await;
        until("the next instance is ready", async || {
            self.module.is_ready().then_some(())
        })
        .await;
    }

    /// The same, for one that may not be ready then.
    pub(crate) async fn is_loaded_again_after(&self, seconds: u64) {
        until("the module is down", async || {
            (!self.module.is_ready()).then_some(())
        })
        .await;
        self.clock.pass(Duration::from_secs(seconds)).await;
    }
}

/// A webhook request of this verb, of which the component reads nothing.
pub(crate) fn request(method: &str) -> Request {
    Request {
        caller: None,
        method: method.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

/// The component, compiled once for all.
fn compiled() -> &'static [u8] {
    static COMPILED: OnceLock<Vec<u8>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/module");
        let module = std::fs::read(target.join("wasm32-unknown-unknown/debug/hostile.wasm"))
            .expect("cargo xtask build makes the hostile component");
        let component = slot_engine::component(&module).unwrap();
        slot_engine::precompile(&component).unwrap()
    })
}
