//! A PlaceOS module slot: a native program that loads the driver as a WebAssembly component and
//! gives it exactly what its manifest declares.

pub mod connector;
pub mod demo;
pub mod gateway;
pub mod host;
pub mod module;
pub mod receive;
