//! What a module may ask of its slot: one capability a file, each a trait and its real form.
//!
//! The traits exist because a module runs against two worlds: the real one (`serve`) and a scripted
//! one (`replay`). A call takes its place in the order when the method is called, not when the
//! future it returns is first polled.

use std::sync::Arc;

pub mod clock;
pub mod doors;
pub(crate) mod group;
pub mod http;
pub mod log;
pub mod random;
pub mod settings;
pub mod status;
pub mod storage;
pub mod store;
pub(crate) mod under_way;

/// A future that a capability answers with; it outlives the call that made it.
pub type Answer<T> = futures_util::future::BoxFuture<'static, T>;

/// All that a module may reach. What its manifest does not declare is never linked to it.
#[derive(Clone)]
pub struct Capabilities {
    /// The module's records.
    pub storage: Arc<dyn storage::Storage>,
    /// The way out.
    pub http: Arc<dyn http::Http>,
    /// The building's security systems.
    pub doors: Arc<dyn doors::Doors>,
    /// What an operator sees.
    pub status: Arc<dyn status::Status>,
    /// Settings the module itself writes.
    pub settings: Arc<dyn settings::Settings>,
    /// Time.
    pub clock: Arc<dyn clock::Clock>,
    /// Randomness.
    pub random: Arc<dyn random::Random>,
    /// The log.
    pub log: Arc<dyn log::Log>,
}
