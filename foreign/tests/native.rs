//! Each suite over the native driver, as a test. They are here and not with the driver, whose tests need
//! nothing but cargo.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

use std::path::Path;
use std::process::ExitCode;

use foreign::{hmac, json};
use futures_util::FutureExt;
use rhombus_driver::mac::SigningKey;
use rhombus_native::Native;
use rhombus_replay::{Stage, Supervised};

fn main() -> ExitCode {
    foreign::main([
        ("hmac_is_what_others_compute", || {
            hmac::run(|key, message| SigningKey::new(key).sign(message)).line("hmac natively")
        }),
        ("json_is_what_others_read", || {
            // Time is the world's, so nothing here ever waits.
            judge_json().now_or_never().expect("nothing waits")
        }),
    ])
}

async fn judge_json() -> Result<String, String> {
    let cases = json::cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
    let world = json::world();
    let mut stage = Supervised::<Native>::new(world.clone());
    stage.load(json::SETTINGS).await?;
    stage.settle().await;
    let count = json::run(&mut stage, &world, &cases).await;
    count.line("json natively")
}
