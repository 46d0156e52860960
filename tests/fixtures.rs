//! Every fixture, played by the native driver. On wasm32 the tests `web` and `node` play them.

#[cfg(not(target_arch = "wasm32"))]
use native::main;

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::path::Path;

    use futures_util::FutureExt;
    use libtest_mimic::{Arguments, Trial};
    use rhombus_native::Native;
    use rhombus_replay::{Failure, Fixture, Supervised, World, fixtures_below, play};

    pub(super) fn main() -> std::io::Result<()> {
        let arguments = Arguments::from_args();
        let fixtures =
            fixtures_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"))?;
        let trials = fixtures.into_iter().map(|(name, fixture)| {
            Trial::test(name, move || {
                replay(&fixture).map_err(|failure| failure.to_string().into())
            })
        });
        libtest_mimic::run(&arguments, trials.collect()).exit()
    }

    #[expect(clippy::expect_used, reason = "a test that cannot go on stops")]
    fn replay(fixture: &Fixture) -> Result<(), Failure> {
        let world = World::new(fixture.systems.clone());
        let mut stage = Supervised::<Native>::new(world.clone());
        // Time is the world's, so the player itself never waits.
        play(fixture, &world, &mut stage, |_, _| {})
            .now_or_never()
            .expect("the player never waits")
    }
}
