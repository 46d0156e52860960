//! The type that signs, compiled to wasm.

use foreign::hmac;
use rhombus_driver::mac::SigningKey;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

#[wasm_bindgen_test]
fn hmac_is_what_others_compute() {
    let suite = format!("hmac in {}", crate::PLACE);
    let line = hmac::run(|key, message| SigningKey::new(key).sign(message))
        .line(&suite)
        .unwrap();
    // Read by `cargo xtask test`.
    console_log!("{line}");
}
