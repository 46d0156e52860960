//! Each fixture as a test.

use std::path::Path;

use futures_util::FutureExt;
use libtest_mimic::{Arguments, Trial};
use rhombus_replay::{Failure, Fixture, Supervised, World, fixtures_below, play};

use crate::native::Native;

pub(crate) fn main() -> std::io::Result<()> {
    let arguments = Arguments::from_args();
    let fixtures = fixtures_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"))?;
    let trials = fixtures.into_iter().map(|(name, fixture)| {
        Trial::test(name, move || {
            replay(&fixture).map_err(|failure| failure.to_string().into())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit()
}

fn replay(fixture: &Fixture) -> Result<(), Failure> {
    let world = World::new(fixture.systems.clone());
    let mut stage = Supervised::<Native>::new(world.clone());
    // Time is the world's, so the player itself never waits.
    play(fixture, &world, &mut stage, |_, _| {})
        .now_or_never()
        .expect("the player never waits")
}
