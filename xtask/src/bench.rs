//! Measurements of the slot as it ships.

use xshell::{Shell, cmd};

use crate::{build, dist, setup};

/// Builds, then has the rig measure.
pub(crate) fn run(shell: &Shell, benchmark: &str) -> anyhow::Result<()> {
    let slot = dist::build(shell)?;
    let rig = build::optimised_rig(shell)?;
    setup::for_redis(shell)?;
    Ok(cmd!(shell, "{rig} --slot {slot} bench {benchmark}").run()?)
}
