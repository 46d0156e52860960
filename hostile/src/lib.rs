//! A component that does harm, for the tests of the slot (`slot/tests/hostile`).
//!
//! Its settings say what it does and where: `{"in": "get", "do": "trap"}`. Everywhere else it behaves. It
//! is built for wasm32 only.

#![cfg(target_arch = "wasm32")]

mod component;
mod deeds;
mod floods;
mod orders;

/// The bindings of `wit/slot.wit`.
mod wit {
    use crate::component::Component;

    wit_bindgen::generate!({ path: "../wit", world: "module" });
    export!(Component);
}
