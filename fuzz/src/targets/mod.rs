//! The targets, one a file.

pub mod event;
pub mod frames;
pub mod request;
pub mod retry_after;
pub mod settings;
pub mod store;
pub mod url_rule;
