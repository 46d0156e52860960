//! The real program, started as core starts it.

use rig::placeos::{Core, MODULE, Redis};
use serde_json::json;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_placeos-slot");

/// A core with a process of the driver, whose state is in `redis`.
pub(crate) async fn a_core(redis: &Redis) -> Core {
    a_core_with(&[("REDIS_URL", &redis.url())]).await
}

/// The same, with a module that has the default settings.
pub(crate) async fn a_module(redis: &Redis) -> Core {
    let core = a_core(redis).await;
    core.load(MODULE, json!({})).await;
    core
}

/// A core with a process of the driver that has this environment.
pub(crate) async fn a_core_with(environment: &[(&str, &str)]) -> Core {
    Core::start(PROGRAM, environment).await
}
