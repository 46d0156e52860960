//! What joins the driver to its host. A binding translates types and nothing else: a line here that
//! takes a decision is in the wrong file.

#[cfg(all(feature = "component", target_arch = "wasm32"))]
mod component;
#[cfg(all(feature = "js", target_arch = "wasm32"))]
mod js;

#[cfg(all(feature = "js", target_arch = "wasm32"))]
pub use js::RhombusDriver;
