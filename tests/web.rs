//! The driver in a browser.

#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

mod js;

/// Where this runs, for lines that are read.
const PLACE: &str = "Chrome";

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
