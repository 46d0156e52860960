//! Stores that released versions have written: this one works on with them, and touches none that it
//! cannot read.
//!
//! A store is kept in `stores/VERSION`, made by `cargo xtask store-fixture`: the file of a gateway, and its
//! records as text, which are put into a Redis too. What is expected follows from the records.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod building;
mod kept;
mod records;

mod newer;
mod older;
