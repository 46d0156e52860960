//! Measurements of the optimised slot.

use xshell::{Shell, cmd};

use crate::build::{self, Optimised};

/// Builds, then has the rig measure.
pub(crate) fn run(shell: &Shell, benchmark: &str) -> anyhow::Result<()> {
    let Optimised { slot, rig } = build::optimised(shell)?;
    Ok(cmd!(shell, "{rig} --slot {slot} bench {benchmark}").run()?)
}
