//! The one rule about where a POST may go.
//!
//! Whoever may subscribe may name any URL, and the POSTs leave from inside a building's network. So
//! every URL, and every address that is dialled for it, passes this rule first:
//!
//! * https only;
//! * a host that the setting `allowed_hosts` names;
//! * no user name or password in the URL;
//! * an address that is global unicast, also when it hides in another one ([`AddressKind`]).
//!
//! An entry of `allowed_hosts` can relax this for what it names, as far as [`Policy::parse`] says.
//!
//! The driver asks [`Policy::check_url`] when a subscription is made, the slot asks it at every
//! send, and [`Policy::check_address`] at every dial, with the address that is about to be
//! connected to. An address looked up earlier proves nothing: the next look-up may give another.
//!
//! This crate only decides. It must never do I/O, resolve a name, read a clock, log, or keep state
//! between two questions; and it must build for `wasm32-unknown-unknown`, where its size counts.

#![forbid(unsafe_code)]

mod address;
mod destination;
mod entry;
mod policy;
mod refusal;

pub use address::AddressKind;
pub use entry::EntryError;
pub use policy::{DEFAULT_ALLOWED_HOSTS, Policy};
pub use refusal::Refusal;
