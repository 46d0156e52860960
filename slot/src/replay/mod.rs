//! `replay`: plays fixtures on the driver that this program carries, step by step.
//!
//! Everything is real but the world: the same component, instance and supervisor as in `serve`, over
//! a scripted host in virtual time.

mod stage;
mod world;

use std::path::PathBuf;

use futures_util::FutureExt;
use rhombus_replay::{Failure, Fixture, World, play, read_fixture};

pub use stage::Slot;

/// Why a replay went wrong.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file is no fixture.
    #[error("{0}")]
    Fixture(#[from] std::io::Error),
    /// Fixtures that failed.
    #[error("{failed} of {all} fixtures failed")]
    Failed {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
}

/// Plays the fixtures in `paths`, and prints each step with `print`.
///
/// # Errors
///
/// If a file is no fixture, or a fixture fails.
pub fn run(paths: &[PathBuf], mut print: impl FnMut(&str)) -> Result<(), ReplayError> {
    let mut failed = 0;
    for path in paths {
        let fixture = read_fixture(path)?;
        print(&format!("{}: {}", path.display(), fixture.about));
        match replay(&fixture, |step, told| {
            print(&format!("  {step:>3}. {told}"))
        }) {
            Ok(()) => print("       as expected"),
            Err(failure) => {
                failed += 1;
                print(&format!(
                    "  {:>3}. FAILED: {}",
                    failure.step, failure.message
                ));
            }
        }
    }
    let all = paths.len();
    if failed == 0 {
        Ok(())
    } else {
        Err(ReplayError::Failed { failed, all })
    }
}

/// Plays one fixture; each step that went well is told to `report`.
///
/// # Errors
///
/// What it shows to be wrong.
pub fn replay(fixture: &Fixture, report: impl FnMut(usize, &str)) -> Result<(), Failure> {
    let world = World::new(fixture.systems.clone());
    let mut slot = Slot::new(world.clone());
    #[expect(
        clippy::expect_used,
        reason = "the world's time is virtual, so the player never waits"
    )]
    play(fixture, &world, &mut slot, report)
        .now_or_never()
        .expect("the player never waits")
}
