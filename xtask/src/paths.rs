//! What ships does not say where or when it was made: so it is the same wherever and whenever that is, and
//! tells nothing of the machine.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::cargo::on_wasm;
use crate::setup::WasmToolchain;

/// What separates the flags of `CARGO_ENCODED_RUSTFLAGS`: paths may have blanks.
const SEPARATOR: &str = "\x1f";

/// The folders that compilers could write into what they make, and what they write instead.
pub(crate) struct Paths(Vec<(PathBuf, &'static str)>);

impl Paths {
    /// Of what is made by `toolchain`: the sources, the crates, and the compiler's own library.
    pub(crate) fn of(shell: &Shell, toolchain: WasmToolchain) -> anyhow::Result<Self> {
        let sysroot = on_wasm(cmd!(shell, "rustc --print sysroot"), toolchain);
        let sysroot = PathBuf::from(sysroot.quiet().read()?);
        Ok(Self(vec![
            (shell.current_dir(), "/rhombus"),
            (cargo_home()?, "/cargo"),
            (sysroot, "/rust"),
        ]))
    }

    /// Has rustc, and the C compilers that build scripts call for `target`, write no path of this machine,
    /// and no time: mimalloc says when it was compiled.
    ///
    /// These are all flags that they get: what a person has set for programs of his own does not belong
    /// into what ships.
    pub(crate) fn hidden<'a>(&self, command: Cmd<'a>, target: &str) -> anyhow::Result<Cmd<'a>> {
        let (mut rust, mut c) = (Vec::new(), Vec::new());
        for (path, instead) in &self.0 {
            let path = path
                .to_str()
                .with_context(|| format!("{} is not UTF-8", path.display()))?;
            // cc splits its flags at blanks.
            ensure!(
                !path.contains(char::is_whitespace),
                "what ships cannot be made in {path}: there is a blank in it"
            );
            rust.push(format!("--remap-path-prefix={path}={instead}"));
            c.push(format!("-ffile-prefix-map={path}={instead}"));
        }
        let c_flags = format!("CFLAGS_{}", target.replace('-', "_"));
        Ok(command
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_BUILD_RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", rust.join(SEPARATOR))
            .env_remove("CFLAGS")
            .env("SOURCE_DATE_EPOCH", "0")
            .env(c_flags, c.join(" ")))
    }

    /// Looks whether one is in a file all the same.
    ///
    /// # Errors
    ///
    /// It is.
    pub(crate) fn ensure_absent(&self, file: &Path) -> anyhow::Result<()> {
        let bytes = fs::read(file).with_context(|| format!("there is no {}", file.display()))?;
        for (path, _) in &self.0 {
            ensure!(
                !contains(&bytes, path.as_os_str().as_encoded_bytes()),
                "{} has {} in it, a path of this machine",
                file.display(),
                path.display()
            );
        }
        Ok(())
    }
}

/// Where cargo keeps the crates.
fn cargo_home() -> anyhow::Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = env::home_dir().context("there is neither CARGO_HOME nor a home folder")?;
    Ok(home.join(".cargo"))
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn paths(path: &str) -> Paths {
        Paths(vec![(path.into(), "/rhombus")])
    }

    #[test]
    fn both_compilers_are_told_what_to_write_instead_of_place_and_time() {
        let shell = Shell::new().unwrap();
        let command = cmd!(shell, "cargo build").env("RUSTFLAGS", "-g");
        let hidden = paths("/home/ann/tree").hidden(command, "x86_64-unknown-linux-musl");
        let command = Command::from(hidden.unwrap());
        let value = |wanted: &str| {
            let mut variables = command.get_envs();
            let found = variables.find(|(name, _)| *name == wanted);
            found.and_then(|(_, value)| Some(value?.to_str()?.to_owned()))
        };
        assert_eq!(
            value("CARGO_ENCODED_RUSTFLAGS").as_deref(),
            Some("--remap-path-prefix=/home/ann/tree=/rhombus")
        );
        assert_eq!(
            value("CFLAGS_x86_64_unknown_linux_musl").as_deref(),
            Some("-ffile-prefix-map=/home/ann/tree=/rhombus")
        );
        assert_eq!(value("SOURCE_DATE_EPOCH").as_deref(), Some("0"));
        assert_eq!(value("RUSTFLAGS"), None);
    }

    #[test]
    fn a_folder_that_cannot_be_hidden_is_refused() {
        let shell = Shell::new().unwrap();
        let hidden = paths("/home/ann smith").hidden(cmd!(shell, "cargo build"), "wasm32");
        assert!(hidden.is_err());
    }

    #[test]
    fn a_path_that_is_in_a_file_is_found() {
        // This program is not made to ship: it has the path of its sources.
        let own = env::current_exe().unwrap();
        let source = env!("CARGO_MANIFEST_DIR");
        assert!(paths(source).ensure_absent(&own).is_err());
        assert!(
            paths(&format!("{source}/nowhere"))
                .ensure_absent(&own)
                .is_ok()
        );
    }
}
