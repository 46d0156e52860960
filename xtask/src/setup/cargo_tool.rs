//! Tools that cargo installs: into a folder that only this workspace uses.

use std::path::PathBuf;

use xshell::{Shell, cmd};

use crate::cargo::without_host_compiler;
use crate::say;
use crate::versions::{CargoTool, TOOLS};

/// Where a tool's program is once it is ensured.
pub(crate) fn path(shell: &Shell, tool: &CargoTool) -> PathBuf {
    shell
        .current_dir()
        .join(TOOLS)
        .join("bin")
        .join(tool.program)
}

/// Makes sure that the tool is there, in the version that is chosen.
///
/// # Errors
///
/// It cannot be built; cargo has said why.
pub(super) fn ensure(shell: &Shell, tool: &CargoTool) -> anyhow::Result<()> {
    let CargoTool {
        program, version, ..
    } = tool;
    let path = path(shell, tool);
    // Some tools of cargo's want their own name first.
    let asked = [vec!["--version"], vec![tool.subcommand(), "--version"]];
    let is_there = asked.iter().any(|arguments| {
        let answer = cmd!(shell, "{path} {arguments...}")
            .quiet()
            .ignore_stderr()
            .read();
        answer.is_ok_and(|answer| answer.split_whitespace().nth(1) == Some(version))
    });
    if is_there {
        return Ok(());
    }
    say(format_args!(
        "building {program} {version}, once; it takes some minutes"
    ));
    if let Err(error) = install(shell, tool, Some("--locked")) {
        // A version that its own lock file names may have been withdrawn since.
        say(format_args!("{error:#}; once more, without its lock file"));
        install(shell, tool, None)?;
    }
    Ok(())
}

/// What it is built in goes away again.
fn install(shell: &Shell, tool: &CargoTool, locked: Option<&str>) -> anyhow::Result<()> {
    let CargoTool {
        package, version, ..
    } = tool;
    let install = cmd!(
        shell,
        "cargo install {package} --version {version} {locked...} --root {TOOLS} --force"
    );
    Ok(without_host_compiler(install).run()?)
}
