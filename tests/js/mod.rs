//! The exported class, as a JavaScript host uses it.

mod fixtures;
mod host;
mod instance;
mod realm;
