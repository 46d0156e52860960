//! Redis, which PlaceOS keeps its modules' state in, and which the tests start by themselves.

use xshell::{Shell, cmd};

use super::{apt, succeeds};
use crate::versions::REDIS_PACKAGES;

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    let is_here = || succeeds(cmd!(shell, "redis-server --version"));
    let missing = "there is no redis-server";
    apt::ensure(shell, is_here, missing, "Redis", &REDIS_PACKAGES)
}
