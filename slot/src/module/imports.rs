//! The capabilities, as a component imports them. Each function translates and passes on.

use std::sync::Arc;
use std::time::Duration;

use placeos_wire::Manifest;
use wasmtime::component::{Accessor, HasData};

use crate::host::{
    Capabilities, doors as host_doors, http as host_http, log as host_log, storage as host_storage,
};

use super::bounds::Shown;
use super::guard::Limits;

/// The bindings of `wit/slot.wit`.
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "module",
        imports: {
            "placeos:slot/random.bytes": trappable,
            "placeos:slot/status.set": trappable,
        },
        exports: { default: async },
    });
}

use bindings::placeos::slot::{doors, http, log, random, settings, status, storage, time};

/// How many random bytes a module may ask for at once.
const RANDOM_LIMIT: u32 = 1024;
/// How many records a module may read at once.
const SCAN_LIMIT: u32 = 1000;

/// What an instance's store holds.
pub(super) struct State {
    pub(super) capabilities: Capabilities,
    pub(super) manifest: Arc<Manifest>,
    pub(super) limits: Limits,
    pub(super) shown: Shown,
}

/// Names `State` to the generated linker code.
pub(super) struct Imports;

impl HasData for Imports {
    type Data<'a> = &'a mut State;
}

/// One capability of an instance's state.
fn capability<C>(accessor: &Accessor<State, Imports>, of: impl FnOnce(&Capabilities) -> C) -> C {
    accessor.with(|mut access| of(&access.get().capabilities))
}

impl storage::Host for &mut State {}

impl storage::HostWithStore<State> for Imports {
    async fn get(accessor: &Accessor<State, Self>, key: String) -> Result<Option<Vec<u8>>, String> {
        capability(accessor, |all| all.storage.get(key)).await
    }

    async fn scan(
        accessor: &Accessor<State, Self>,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<storage::Entry>, String> {
        let page = capability(accessor, |all| {
            all.storage.scan(prefix, after, limit.min(SCAN_LIMIT))
        })
        .await?;
        Ok(page
            .into_iter()
            .map(|(key, value)| storage::Entry { key, value })
            .collect())
    }

    async fn commit(
        accessor: &Accessor<State, Self>,
        changes: Vec<storage::Change>,
    ) -> Result<(), storage::CommitError> {
        let changes = changes.into_iter().map(Into::into).collect();
        capability(accessor, |all| all.storage.commit(changes))
            .await
            .map_err(Into::into)
    }
}

impl http::Host for &mut State {}

impl http::HostWithStore<State> for Imports {
    async fn post(
        accessor: &Accessor<State, Self>,
        request: http::Request,
    ) -> Result<http::Response, http::Failure> {
        let answer = capability(accessor, |all| all.http.post(request.into())).await;
        answer.map(Into::into).map_err(Into::into)
    }

    async fn check(accessor: &Accessor<State, Self>, url: String) -> Result<(), String> {
        capability(accessor, |all| all.http.check(url)).await
    }
}

impl doors::Host for &mut State {}

impl doors::HostWithStore<State> for Imports {
    async fn systems(accessor: &Accessor<State, Self>) -> Result<Vec<String>, String> {
        capability(accessor, |all| all.doors.systems()).await
    }

    async fn list(
        accessor: &Accessor<State, Self>,
        system: String,
    ) -> Result<Vec<doors::Door>, String> {
        let list = capability(accessor, |all| all.doors.list(system)).await?;
        Ok(list
            .into_iter()
            .map(|door| doors::Door {
                id: door.id,
                description: door.description,
            })
            .collect())
    }

    async fn unlock(
        accessor: &Accessor<State, Self>,
        system: String,
        door: String,
        caller: Option<String>,
    ) -> Result<doors::Outcome, String> {
        let outcome = capability(accessor, |all| all.doors.unlock(system, door, caller)).await?;
        Ok(match outcome {
            host_doors::Outcome::Unlocked => doors::Outcome::Unlocked,
            host_doors::Outcome::Refused => doors::Outcome::Refused,
            host_doors::Outcome::Unsupported => doors::Outcome::Unsupported,
        })
    }
}

impl status::Host for &mut State {
    fn set(&mut self, key: String, json: String) -> wasmtime::Result<()> {
        let now = self.capabilities.clock.elapsed();
        self.shown.set(&key, &json, now)?;
        self.capabilities.status.set(&key, &json);
        Ok(())
    }
}

impl settings::Host for &mut State {}

impl settings::HostWithStore<State> for Imports {
    async fn save(
        accessor: &Accessor<State, Self>,
        name: String,
        json: String,
    ) -> Result<(), String> {
        let saved = accessor.with(|mut access| {
            let state = access.get();
            let may_save = state.manifest.may_save(&name);
            may_save.then(|| state.capabilities.settings.save(name, json))
        });
        match saved {
            Some(saved) => saved.await,
            None => Err("the manifest does not let the driver write this setting".to_owned()),
        }
    }
}

impl time::Host for &mut State {
    fn now(&mut self) -> u64 {
        self.capabilities.clock.now()
    }
}

impl time::HostWithStore<State> for Imports {
    async fn sleep(accessor: &Accessor<State, Self>, ms: u64) {
        capability(accessor, |all| all.clock.sleep(Duration::from_millis(ms))).await;
    }
}

impl random::Host for &mut State {
    fn bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        if count > RANDOM_LIMIT {
            wasmtime::bail!("the module asked for {count} random bytes at once");
        }
        Ok(self.capabilities.random.bytes(count as usize))
    }
}

impl log::Host for &mut State {
    fn log(&mut self, level: log::Level, message: String, fields: Vec<log::Field>) {
        let level = match level {
            log::Level::Debug => host_log::Level::Debug,
            log::Level::Info => host_log::Level::Info,
            log::Level::Warn => host_log::Level::Warn,
            log::Level::Error => host_log::Level::Error,
        };
        let fields: Vec<_> = fields
            .into_iter()
            .map(|field| (field.name, field.value))
            .collect();
        self.capabilities.log.log(level, &message, &fields);
    }
}

impl From<storage::Change> for host_storage::Change {
    fn from(change: storage::Change) -> Self {
        match change {
            storage::Change::Put(storage::Entry { key, value }) => Self::Put { key, value },
            storage::Change::Delete(key) => Self::Delete { key },
            storage::Change::PutIfAbsent(storage::Entry { key, value }) => {
                Self::PutIfAbsent { key, value }
            }
        }
    }
}

impl From<host_storage::CommitError> for storage::CommitError {
    fn from(error: host_storage::CommitError) -> Self {
        match error {
            host_storage::CommitError::Exists(key) => Self::Exists(key),
            host_storage::CommitError::Failed(why) => Self::Failed(why),
        }
    }
}

impl From<http::Request> for host_http::Post {
    fn from(request: http::Request) -> Self {
        Self {
            url: request.url,
            headers: request
                .headers
                .into_iter()
                .map(|header| (header.name, header.value))
                .collect(),
            body: request.body,
            timeout: Duration::from_millis(request.timeout_ms.into()),
            wanted: request.wanted,
        }
    }
}

impl From<host_http::PostAnswer> for http::Response {
    fn from(answer: host_http::PostAnswer) -> Self {
        let header = |(name, value)| http::Header { name, value };
        Self {
            status: answer.status,
            headers: answer.headers.into_iter().map(header).collect(),
            body: answer.body,
        }
    }
}

impl From<host_http::PostFailure> for http::Failure {
    fn from(failure: host_http::PostFailure) -> Self {
        match failure {
            host_http::PostFailure::Dns(why) => Self::Dns(why),
            host_http::PostFailure::Refused(why) => Self::Refused(why),
            host_http::PostFailure::Timeout => Self::Timeout,
            host_http::PostFailure::Tls(why) => Self::Tls(why),
            host_http::PostFailure::Blocked(why) => Self::Blocked(why),
            host_http::PostFailure::TooLarge => Self::TooLarge,
            host_http::PostFailure::Other(why) => Self::Other(why),
        }
    }
}
