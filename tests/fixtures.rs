//! Every fixture, played by the native driver.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

mod native;

use std::path::Path;

use futures_util::FutureExt;
use libtest_mimic::{Arguments, Trial};
use native::Native;
use rhombus_replay::{Fixture, Supervised, World, fixtures_below, play};

fn main() -> std::io::Result<()> {
    let arguments = Arguments::from_args();
    let fixtures = fixtures_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"))?;
    let trials = fixtures.into_iter().map(|(name, fixture)| {
        Trial::test(name, move || {
            replay(&fixture).map_err(|failure| failure.to_string().into())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit()
}

fn replay(fixture: &Fixture) -> Result<(), rhombus_replay::Failure> {
    let world = World::new(fixture.systems.clone());
    let mut stage = Supervised::<Native>::new(world.clone());
    // Time is the world's, so the player itself never waits.
    play(fixture, &world, &mut stage, |_, _| {})
        .now_or_never()
        .expect("the player never waits")
}
