//! The driver in its sandbox, with nothing to do but to be called.

use std::io;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::ready;
use placeos_slot::host::clock::SystemClock;
use placeos_slot::host::doors::NoDoors;
use placeos_slot::host::http::{Http, Post, PostAnswer, PostFailure};
use placeos_slot::host::log::Tracing;
use placeos_slot::host::random::SystemRandom;
use placeos_slot::host::settings::Settings;
use placeos_slot::host::status::Latest;
use placeos_slot::host::store::Store;
use placeos_slot::host::{Answer, Capabilities};
use placeos_slot::module::{CallError, Module};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// A module of the driver that is loaded.
pub(crate) struct Driver {
    module: Module,
    /// All of it runs on one thread: a call then costs what is done for it, and not how long the system
    /// takes to wake another thread.
    runtime: Runtime,
    _folder: TempDir,
}

impl Driver {
    /// Loads the driver that the slot carries.
    pub(crate) fn load() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let capabilities = Capabilities {
            storage: Arc::new(Store::open(folder.path()).map_err(io::Error::other)?),
            http: Arc::new(Nowhere),
            doors: Arc::new(NoDoors),
            status: Arc::new(Latest::default()),
            settings: Arc::new(Nowhere),
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom),
            log: Arc::new(Tracing),
        };
        let (module, supervisor) =
            Module::embedded(capabilities, "{}".to_owned()).map_err(io::Error::other)?;
        runtime.spawn(supervisor.run());
        runtime.block_on(module.ready()).map_err(io::Error::other)?;
        Ok(Self {
            module,
            runtime,
            _folder: folder,
        })
    }

    /// Calls so many times, one after the other, a function that there is not, with a text of so many bytes:
    /// the driver looks at the name and refuses. Answers how often it did.
    pub(crate) fn call(&self, bytes: usize, times: u32) -> u32 {
        let text = " ".repeat(bytes);
        self.runtime.block_on(async {
            for _ in 0..times {
                let answer = self.module.call("nothing".to_owned(), text.clone()).await;
                assert_eq!(answer, Err(CallError::Unknown));
            }
        });
        times
    }
}

/// Where a driver without subscribers sends to, and what it saves of its settings: it does neither.
struct Nowhere;

impl Http for Nowhere {
    fn post(&self, _post: Post) -> Answer<Result<PostAnswer, PostFailure>> {
        ready(Err(PostFailure::Refused("nobody is there".to_owned()))).boxed()
    }

    fn check(&self, _url: String) -> Answer<Result<(), String>> {
        ready(Ok(())).boxed()
    }
}

impl Settings for Nowhere {
    fn save(&self, _name: String, _json: String) -> Answer<Result<(), String>> {
        ready(Ok(())).boxed()
    }
}
