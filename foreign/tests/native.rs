//! Each suite over the native driver, as a test. They run without a harness, so that the lines which count reach
//! whoever runs them. They are here and not with the driver, whose tests need nothing but cargo.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;

use foreign::{hmac, json};
use futures_util::FutureExt;
use libtest_mimic::{Arguments, Trial};
use rhombus_driver::mac::hmac_sha256;
use rhombus_native::Native;
use rhombus_replay::{Stage, Supervised};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (say, said) = mpsc::channel();
    let trial = |name, run: fn() -> Result<String, String>| {
        let say = say.clone();
        Trial::test(name, move || Ok(say.send(run()?)?))
    };
    let trials = vec![
        trial("hmac_is_what_others_compute", || {
            hmac::run(hmac_sha256).line("hmac natively")
        }),
        trial("json_is_what_others_read", || {
            // Time is the world's, so nothing here ever waits.
            judge_json().now_or_never().expect("nothing waits")
        }),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials);
    #[expect(clippy::print_stdout, reason = "these lines are what it is run for")]
    for line in said.try_iter() {
        println!("{line}");
    }
    conclusion.exit_code()
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
