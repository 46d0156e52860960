//! The real program, as a gateway with its module.

use rig::program::Place;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_placeos-slot");

/// A place for a gateway's data.
pub(crate) fn a_place() -> Place {
    Place::new(PROGRAM)
}
