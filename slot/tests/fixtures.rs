//! Every fixture, played by the component in the slot.

use std::path::Path;

use libtest_mimic::{Arguments, Trial};
use placeos_slot::replay::replay;
use rhombus_replay::fixtures_below;

fn main() -> std::io::Result<()> {
    let arguments = Arguments::from_args();
    let fixtures =
        fixtures_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures"))?;
    let trials = fixtures.into_iter().map(|(name, fixture)| {
        Trial::test(name, move || {
            replay(&fixture, |_, _| {}).map_err(|failure| failure.to_string().into())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit()
}
