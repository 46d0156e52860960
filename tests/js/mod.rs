//! The exported class, as a JavaScript host uses it.

mod fixtures;
mod hmac;
mod host;
mod hosts;
mod instance;
mod overlap;
mod realm;
