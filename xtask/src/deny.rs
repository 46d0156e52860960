//! What the project depends on: licences, sources, versions, and what is known against them.

use anyhow::bail;
use xshell::{Shell, cmd};

use crate::flags::Deny;
use crate::say;
use crate::setup;
use crate::versions::DENY;

/// Holds the dependencies to `deny.toml`. The advisories are in a public git repository: where that cannot
/// be reached, a line says that they were not checked, and it is an error if they were asked for.
pub(crate) fn run(shell: &Shell, flags: &Deny) -> anyhow::Result<()> {
    setup::for_deny(shell)?;
    let deny = setup::tool(shell, &DENY);
    let check = ["--workspace", "--locked", "check"];
    cmd!(shell, "{deny} {check...} bans licenses sources").run()?;
    let fetched = cmd!(shell, "{deny} fetch db").ignore_status().output()?;
    if fetched.status.success() {
        return Ok(cmd!(shell, "{deny} {check...} --disable-fetch advisories").run()?);
    }
    let told = String::from_utf8_lossy(&fetched.stderr);
    let not_checked = format!("advisories were NOT checked: {}", reason(&told));
    if flags.advisories {
        bail!(not_checked);
    }
    say(not_checked);
    Ok(())
}

/// The line that says most: git's own is the last one.
fn reason(told: &str) -> &str {
    let mut lines = told.lines().map(str::trim);
    let last = lines.rfind(|line| !line.is_empty());
    last.unwrap_or("their database cannot be fetched")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_failed_fetch_the_last_line_is_told() {
        let told = "[ERROR] failed to fetch\nCloning into 'db'...\nfatal: no such host\n\n";
        assert_eq!(reason(told), "fatal: no such host");
        assert_eq!(reason(""), "their database cannot be fetched");
    }
}
