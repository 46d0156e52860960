//! What a module may use of its slot, apart from time and memory (`guard.rs`).
//!
//! Each bound is far above what the driver needs, and says what that is. A module that goes beyond is
//! answered with an error where the interface has one, and traps where it has none; it loses log lines.

use std::sync::Arc;

use crate::host::Capabilities;

pub(crate) mod answers;
mod bucket;
mod doors;
mod http;
mod log;
mod settings;
mod status;
mod storage;
mod text;

pub(super) use status::Shown;
pub(super) use text::clipped;

/// What one call of a module may hand over, in bytes: beyond, it traps. A commit is the largest, with 17
/// MB where an event goes to a thousand subscribers.
pub(super) const CALL: usize = 64 << 20;

/// What of a module waits at the same time: calls of its own, to sleep or to be answered. One more
/// traps. The driver has some for each call under way and each attempt.
pub(super) const WAITING: usize = 32 << 10;

/// `capabilities` within the bounds of one module, which live longer than its instances.
pub(super) fn bounded(capabilities: Capabilities) -> Capabilities {
    let clock = capabilities.clock;
    Capabilities {
        storage: Arc::new(storage::BoundedStorage::new(capabilities.storage)),
        http: Arc::new(http::BoundedHttp::new(capabilities.http)),
        doors: Arc::new(doors::BoundedDoors::new(capabilities.doors)),
        status: capabilities.status,
        settings: Arc::new(settings::BoundedSettings::new(
            capabilities.settings,
            Arc::clone(&clock),
        )),
        log: Arc::new(log::BoundedLog::new(capabilities.log, Arc::clone(&clock))),
        random: capabilities.random,
        clock,
    }
}
