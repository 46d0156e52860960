//! Commands whose environment is what it would be outside `cargo xtask`.

use std::env;

use xshell::Cmd;

use crate::setup::WasmToolchain;

/// What a person sets to choose compiler and flags for this machine's programs. For wasm they are
/// wrong, or would defeat the choice of its toolchain.
const HOST_COMPILER: [&str; 7] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
];

/// Takes what the outer `cargo run` set out of the command's environment.
///
/// Some build scripts ask to run again when such a variable changes, so with them each change
/// between `cargo xtask build` and `cargo build` would compile those crates anew.
pub(crate) fn on_host(command: Cmd<'_>) -> Cmd<'_> {
    env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| is_of_outer_cargo(name))
        .fold(command, Cmd::env_remove)
}

/// As [`on_host`], and with the compiler that has the wasm target.
pub(crate) fn on_wasm<'a>(command: Cmd<'a>, toolchain: WasmToolchain) -> Cmd<'a> {
    let command = without_host_compiler(command);
    match toolchain.name() {
        Some(name) => command.env("RUSTUP_TOOLCHAIN", name),
        None => command,
    }
}

/// As [`on_host`], and without what was set to compile this machine's programs.
pub(crate) fn without_host_compiler(command: Cmd<'_>) -> Cmd<'_> {
    HOST_COMPILER
        .into_iter()
        .fold(on_host(command), Cmd::env_remove)
}

fn is_of_outer_cargo(variable: &str) -> bool {
    variable == "CARGO"
        || variable.starts_with("CARGO_MANIFEST_")
        || variable.starts_with("CARGO_PKG_")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use xshell::{Shell, cmd};

    use super::*;

    /// The names of the variables that the command changes, with their new values.
    fn changes(command: Cmd<'_>) -> Vec<(String, Option<String>)> {
        Command::from(command)
            .get_envs()
            .map(|(name, value)| {
                (
                    name.to_str().unwrap().into(),
                    value.map(|value| value.to_str().unwrap().into()),
                )
            })
            .collect()
    }

    #[test]
    fn a_command_does_not_see_the_package_that_runs_it() {
        let shell = Shell::new().unwrap();
        // Cargo sets this one for a test as it does for `cargo run`.
        assert!(env::var_os("CARGO_PKG_NAME").is_some());
        let changes = changes(on_host(cmd!(shell, "cargo build")));
        assert!(changes.contains(&("CARGO_PKG_NAME".into(), None)));
        assert!(changes.contains(&("CARGO_MANIFEST_DIR".into(), None)));
        assert!(changes.contains(&("CARGO".into(), None)));
    }

    #[test]
    fn what_a_person_sets_stays() {
        for name in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_NET_OFFLINE",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(!is_of_outer_cargo(name), "{name}");
        }
    }

    #[test]
    fn wasm_is_built_by_its_own_toolchain_without_flags_for_the_host() {
        let shell = Shell::new().unwrap();
        let own = changes(on_wasm(cmd!(shell, "cargo build"), WasmToolchain::Own));
        let name = crate::versions::OWN_TOOLCHAIN.to_owned();
        assert!(own.contains(&("RUSTUP_TOOLCHAIN".into(), Some(name))));
        assert!(own.contains(&("RUSTFLAGS".into(), None)));

        let active = changes(on_wasm(cmd!(shell, "cargo build"), WasmToolchain::Active));
        assert!(active.iter().all(|(name, _)| name != "RUSTUP_TOOLCHAIN"));
    }
}
