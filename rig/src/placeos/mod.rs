//! A double of PlaceOS: core, which starts the program as its driver and speaks to it over a socket,
//! and a real Redis.

mod core;
mod desk;
mod redis;

pub use self::core::{Core, MODULE, Orphan, SYSTEM, triple};
pub use self::desk::{Echo, Reply, Security};
pub use self::redis::{CHANNEL, Redis};
