//! `placeos-slot install`: puts this program where a PlaceOS core looks for a driver.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

/// How core names this machine's architecture.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    "amd64"
};

/// How much of the commit is in the file's name.
const COMMIT: usize = 7;

/// Readable and executable for whatever user core runs as.
const MODE: u32 = 0o755;

/// The `file_name` of a driver's row: where its source would be in its repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

/// The `commit` of a driver's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit(String);

/// Text that is no [`FileName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be the file_name of the driver's row, like drivers/rhombus/driver.cr")]
pub struct NoFileName;

/// Text that is no [`Commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must be the commit of the driver's row, at least seven hexadecimal digits; with another, HEAD \
     for example, core asks its build service and looks for no file"
)]
pub struct NoCommit;

impl FromStr for FileName {
    type Err = NoFileName;

    fn from_str(text: &str) -> Result<Self, NoFileName> {
        let is_path = |text: &str| {
            text.split('/').all(|part| {
                !part.is_empty() && !part.starts_with("..") && !part.contains(is_never_in_a_name)
            })
        };
        let stem = text.strip_suffix(".cr").unwrap_or(text);
        if is_path(stem) {
            Ok(Self(stem.to_owned()))
        } else {
            Err(NoFileName)
        }
    }
}

fn is_never_in_a_name(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || letter == '\\'
}

impl FromStr for Commit {
    type Err = NoCommit;

    fn from_str(text: &str) -> Result<Self, NoCommit> {
        if text.len() >= COMMIT && text.bytes().all(|letter| letter.is_ascii_hexdigit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoCommit)
        }
    }
}

/// Why the program is not installed. What was there before still is.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The program does not find its own file.
    #[error("cannot tell where this program is, which is to be copied ({0}); is /proc there?")]
    Program(io::Error),
    /// There is no such folder.
    #[error(
        "there is no folder {}; give the one in which core keeps its drivers, PLACEOS_DRIVER_BINARIES",
        .0.display()
    )]
    NoFolder(PathBuf),
    /// It cannot be written there.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The copy does not run.
    #[error(
        "the copy {} does not run ({reason}), so core would delete it; \
         the folder must let programs be run", .path.display()
    )]
    NotRunning {
        /// What.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The name under which core looks for the program of a driver's row on this architecture.
pub fn name(file_name: &FileName, commit: &Commit) -> String {
    let stem = file_name.0.replace(['/', '.'], "_");
    let commit = &commit.0[..COMMIT];
    format!("{stem}_{commit}_{ARCHITECTURE}").to_lowercase()
}

/// Copies this program into `folder` under its [`name`]; answers where it is. A file of that name is
/// replaced at once, and core may be running it.
///
/// # Errors
///
/// If it cannot be written there, or does not run from there.
pub fn run(file_name: &FileName, commit: &Commit, folder: &Path) -> Result<PathBuf, InstallError> {
    let program = std::env::current_exe().map_err(InstallError::Program)?;
    if !folder.is_dir() {
        return Err(InstallError::NoFolder(folder.to_owned()));
    }
    let name = name(file_name, commit);
    let path = folder.join(&name);
    // Core takes no notice of it: no driver's name begins with a dot.
    let new = folder.join(format!(".{name}.new"));
    let installed = copy(&program, &new)
        .map_err(|source| write_error(&new, source))
        .and_then(|()| try_out(&new))
        .and_then(|()| replace(&new, &path, folder).map_err(|source| write_error(&path, source)));
    match installed {
        Ok(()) => Ok(path),
        Err(error) => {
            // It may not have come into being.
            let _ = fs::remove_file(&new);
            Err(error)
        }
    }
}

fn copy(program: &Path, new: &Path) -> io::Result<()> {
    // One that was killed leaves it behind.
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut from = File::open(program)?;
    let mut to = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(new)?;
    io::copy(&mut from, &mut to)?;
    // Whatever this user's mask takes away.
    to.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(MODE))?;
    to.sync_all()
}

/// As core does before it uses a file, which it deletes if this fails.
fn try_out(new: &Path) -> Result<(), InstallError> {
    let not_running = |reason: String| InstallError::NotRunning {
        path: new.to_owned(),
        reason,
    };
    let status = Command::new(new)
        .arg("-h")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| not_running(error.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(not_running(status.to_string()))
    }
}

fn replace(new: &Path, path: &Path, folder: &Path) -> io::Result<()> {
    fs::rename(new, path)?;
    File::open(folder)?.sync_all()
}

fn write_error(path: &Path, source: io::Error) -> InstallError {
    InstallError::Write {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_one_that_core_makes_of_a_row() {
        for (file_name, commit, expected) in [
            (
                "drivers/rhombus/security_interop.cr",
                "abcdef1234",
                "drivers_rhombus_security_interop_abcdef1_",
            ),
            ("Drivers/A.b.cr", "ABCDEF1", "drivers_a_b_abcdef1_"),
            ("driver", "0123456789abcdef", "driver_0123456_"),
        ] {
            let name = name(&file_name.parse().unwrap(), &commit.parse().unwrap());
            assert_eq!(name, format!("{expected}{ARCHITECTURE}"));
        }
    }

    #[test]
    fn what_core_would_look_for_elsewhere_is_refused() {
        for text in [
            "",
            ".cr",
            "/drivers/a.cr",
            "drivers//a.cr",
            "../a.cr",
            "a b.cr",
            "a\\b.cr",
        ] {
            assert_eq!(text.parse::<FileName>(), Err(NoFileName), "{text:?}");
        }
        for text in [
            "",
            "HEAD",
            "abcdef",
            "RECOMPILE-abcdef1",
            "abcdefg",
            "ä234567",
        ] {
            assert_eq!(text.parse::<Commit>(), Err(NoCommit), "{text:?}");
        }
    }
}
