//! Redis, which PlaceOS keeps its modules' state in, and which the tests start by themselves.

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::{apt, succeeds};
use crate::say;
use crate::versions::REDIS_PACKAGES;

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    if is_here(shell) {
        return Ok(());
    }
    say("there is no redis-server");
    let by_hand = format!("install Redis; {}", apt::by_hand(&REDIS_PACKAGES));
    apt::install(shell, &REDIS_PACKAGES).with_context(|| by_hand.clone())?;
    ensure!(is_here(shell), by_hand);
    Ok(())
}

fn is_here(shell: &Shell) -> bool {
    succeeds(cmd!(shell, "redis-server --version"))
}
