//! The packages: fetched by apt, which checks their signatures, and unpacked.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use crate::say;
use crate::versions::{OLDEST_RUST, RUST_PACKAGES};

/// Fetches the packages and unpacks them into the folder `work`; answers the folder that stands
/// for `/`.
pub(super) fn unpack(shell: &Shell, work: &Path) -> anyhow::Result<PathBuf> {
    let archives = fetch(shell, work)?;
    say("unpacking");
    let root = shell.create_dir(work.join("root"))?;
    for archive in shell.read_dir(archives)? {
        if archive
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            cmd!(shell, "dpkg-deb --extract {archive} {root}")
                .quiet()
                .run()?;
        }
    }
    Ok(root)
}

/// Finds the source of the standard library, `usr/src/rustc-<version>/library`.
///
/// # Errors
///
/// There is none, or its version is older than what the driver needs.
pub(super) fn source_of_library(shell: &Shell, root: &Path) -> anyhow::Result<PathBuf> {
    let sources = shell.read_dir(root.join("usr/src"))?;
    let (source, version) = sources
        .iter()
        .find_map(|folder| {
            Some((
                folder,
                folder.file_name()?.to_str()?.strip_prefix("rustc-")?,
            ))
        })
        .context("the packages hold no source of Rust")?;
    ensure!(
        is_at_least(version, OLDEST_RUST),
        "Debian's Rust is {version}, and the driver needs {OLDEST_RUST}"
    );
    Ok(source.join("library"))
}

/// Fetches the packages and what this machine lacks of their dependencies; answers the folder.
///
/// apt works on package lists and a cache of its own: the system's may be missing or out of date,
/// and take root to change.
fn fetch(shell: &Shell, work: &Path) -> anyhow::Result<PathBuf> {
    let lists = work.join("lists");
    let cache = work.join("cache");
    let archives = cache.join("archives");
    shell.create_dir(lists.join("partial"))?;
    shell.create_dir(archives.join("partial"))?;
    let apt_get = |arguments: &[&str]| {
        cmd!(shell, "apt-get -q -o Dir::State::Lists={lists} -o Dir::Cache={cache}")
            // The folders are this user's: neither the system's lock nor apt's own user fits.
            .args(["-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"])
            .args(arguments)
            .run()
    };
    apt_get(&["update"])?;
    let download = [
        "install",
        "--download-only",
        "--reinstall",
        "--yes",
        "--no-install-recommends",
    ];
    apt_get(&[&download[..], &RUST_PACKAGES].concat())
        .context("this Debian has no such Rust, or it cannot be fetched")?;
    Ok(archives)
}

/// Compares versions of Rust by their first two numbers.
fn is_at_least(version: &str, oldest: &str) -> bool {
    let numbers = |version: &str| -> Option<(u32, u32)> {
        let mut parts = version.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    };
    numbers(version).is_some() && numbers(version) >= numbers(oldest)
}

#[cfg(test)]
mod tests {
    use super::is_at_least;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(is_at_least("1.95.0", "1.95"));
        assert!(is_at_least("1.100.1", "1.95"));
        assert!(is_at_least("2.0.0", "1.95"));
        assert!(!is_at_least("1.85.0", "1.95"));
        assert!(!is_at_least("1.9.0", "1.95"));
        assert!(!is_at_least("nightly", "1.95"));
    }
}
