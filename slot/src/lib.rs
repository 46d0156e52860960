//! A PlaceOS module slot: a native program that loads the driver as a WebAssembly component and
//! gives it exactly what its manifest declares.

pub mod check;
pub mod cli;
pub mod connector;
pub mod demo;
pub mod escape;
pub mod gateway;
pub mod host;
pub mod install;
pub mod logging;
pub mod metrics;
pub mod module;
pub mod placeos;
pub mod private_file;
pub mod receive;
pub mod replay;
pub mod serve;
pub mod signals;
pub mod watch;
