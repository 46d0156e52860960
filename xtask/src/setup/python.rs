//! Python, and the packages of it that verify what a receiver gets.

use anyhow::Context;
use xshell::{Shell, cmd};

use super::{apt, succeeds};
use crate::say;
use crate::versions::{PYTHON_FOLDER, PYTHON_PACKAGES, PYTHON_REQUIREMENTS};

pub(super) fn ensure(shell: &Shell) -> anyhow::Result<()> {
    let wanted = shell.read_file(PYTHON_REQUIREMENTS)?;
    // A copy of the list, put there once everything in it is.
    let installed = format!("{PYTHON_FOLDER}/requirements.txt");
    if shell.read_file(&installed).is_ok_and(|list| list == wanted) && runs(shell) {
        return Ok(());
    }
    say("fetching the Python packages that verify what a receiver gets");
    ensure_folder(shell)?;
    cmd!(
        shell,
        "{PYTHON_FOLDER}/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary :all: --requirement {PYTHON_REQUIREMENTS}"
    )
    .run()
    .with_context(|| format!("pip cannot install what {PYTHON_REQUIREMENTS} names"))?;
    shell.write_file(installed, wanted)?;
    Ok(())
}

/// A Python with packages of its own.
fn ensure_folder(shell: &Shell) -> anyhow::Result<()> {
    let make = || succeeds(cmd!(shell, "python3 -m venv --clear {PYTHON_FOLDER}")) && runs(shell);
    let missing = "there is no Python that can keep packages apart";
    apt::ensure(shell, make, missing, "Python", &PYTHON_PACKAGES)
}

/// A Python of the system's that went away leaves a folder that does not run.
fn runs(shell: &Shell) -> bool {
    succeeds(cmd!(shell, "{PYTHON_FOLDER}/bin/python -m pip --version"))
}
