//! PlaceOS's Redis: where the state of a module is, the events come from and its status is shown.

mod address;
mod connection;
mod durability;
mod lookups;
mod names;
mod scripts;
mod status;
mod store;
mod subscriptions;

pub use address::{Address, AddressError, INSECURE, REDIS_URL};
pub use connection::{Redis, RedisFailure};
pub use durability::{Durability, Promise};
pub use lookups::Lookups;
pub use names::name;
pub use status::{RedisStatus, StatusWriter};
pub use store::{RedisStore, Standing};
pub use subscriptions::{Heard, Hearing, Subscription, Subscriptions, UNREAD};
