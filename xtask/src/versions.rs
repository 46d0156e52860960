//! Whatever set-up may fetch, named in one place. Crates are pinned by Cargo.toml and Cargo.lock.

use std::time::Duration;

/// What the driver is compiled to.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// What the slot that ships is compiled to: this machine's architecture, with a C library that is linked
/// statically.
pub(crate) const STATIC_TARGET: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-musl"
} else {
    "x86_64-unknown-linux-musl"
};

/// What of rustup the tests need beside the compiler and cargo.
pub(crate) const COMPONENTS: [&str; 2] = ["clippy", "rustfmt"];

/// How long rustup may take to fetch something (the largest is some 25 MB).
pub(crate) const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// Debian's C compiler and the headers that it needs.
pub(crate) const C_COMPILER_PACKAGES: [&str; 2] = ["gcc", "libc6-dev"];

/// Debian's C compiler for musl.
pub(crate) const MUSL_PACKAGES: [&str; 1] = ["musl-tools"];

/// The oldest Rust that builds the driver.
pub(crate) const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// rustup's name for the toolchain that is put together from [`RUST_PACKAGES`]. When the driver
/// comes to need a newer Rust, it is another one.
pub(crate) const OWN_TOOLCHAIN: &str =
    concat!("rhombus-driver-wasm-", env!("CARGO_PKG_RUST_VERSION"));

/// Debian's up-to-date Rust, which it carries for its browsers, and the linker for wasm. apt takes
/// the newest of each; what they depend on (LLVM above all) comes with them.
pub(crate) const RUST_PACKAGES: [&str; 4] =
    ["rustc-web", "rust-web-clippy", "rust-web-src", "lld-22"];

/// A program that cargo installs for this workspace only.
pub(crate) struct CargoTool {
    /// The crate's name.
    pub(crate) package: &'static str,
    pub(crate) program: &'static str,
    pub(crate) version: &'static str,
}

impl CargoTool {
    /// What follows `cargo` where a person runs it, if it is one of cargo's commands.
    pub(crate) fn subcommand(&self) -> &'static str {
        self.program.strip_prefix("cargo-").unwrap_or(self.program)
    }
}

/// What runs tests of wasm in Node and in browsers. It is of the version of the crate, which Cargo.toml
/// chooses.
pub(crate) const WASM_TESTS: CargoTool = CargoTool {
    package: "wasm-bindgen-cli",
    program: "wasm-bindgen-test-runner",
    version: "0.2.130",
};

/// What breaks the sources in many small ways, to see whether a test notices.
pub(crate) const MUTANTS: CargoTool = CargoTool {
    package: "cargo-mutants",
    program: "cargo-mutants",
    version: "27.1.0",
};

/// What builds programs for libFuzzer. It drives the compiler that is in use: without a sanitizer, stable
/// will do.
pub(crate) const FUZZ: CargoTool = CargoTool {
    package: "cargo-fuzz",
    program: "cargo-fuzz",
    version: "0.13.2",
};

/// Debian's C++ compiler, for libFuzzer.
pub(crate) const CPP_COMPILER_PACKAGES: [&str; 1] = ["g++"];

/// What runs benchmarks in Valgrind. It is of the version of the crate, which Cargo.toml chooses.
pub(crate) const COUNTER: CargoTool = CargoTool {
    package: "gungraun-runner",
    program: "gungraun-runner",
    version: "0.20.0",
};

/// Debian's Valgrind.
pub(crate) const VALGRIND_PACKAGES: [&str; 1] = ["valgrind"];

/// What checks the dependencies.
pub(crate) const DENY: CargoTool = CargoTool {
    package: "cargo-deny",
    program: "cargo-deny",
    version: "0.20.2",
};

/// Where tools are installed that only this workspace uses.
pub(crate) const TOOLS: &str = "target/tools";

/// Debian's browser that tests can drive.
pub(crate) const BROWSER_PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// Debian's Redis.
pub(crate) const REDIS_PACKAGES: [&str; 1] = ["redis-server"];

/// Debian's Python, with what makes a folder of its own for what is installed.
pub(crate) const PYTHON_PACKAGES: [&str; 2] = ["python3", "python3-venv"];

/// Where Python's packages are that the tests use.
pub(crate) const PYTHON_FOLDER: &str = "target/tools/python";

/// Which ones those are.
pub(crate) const PYTHON_REQUIREMENTS: &str = "tests/python/requirements.txt";

/// The oldest Node that the package promises to run in.
pub(crate) const OLDEST_NODE: u32 = 20;

/// Where the pages are made.
pub(crate) const WEB_FOLDER: &str = "web";

/// Where the package's tests are, with the npm packages that they and its making need.
pub(crate) const NPM_FOLDER: &str = "tests/npm";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_runner_is_of_the_version_of_the_crate() {
        let chosen = format!("wasm-bindgen = \"={}\"", WASM_TESTS.version);
        assert!(include_str!("../../Cargo.toml").contains(&chosen));
    }

    #[test]
    fn the_runner_of_benchmarks_is_of_the_version_of_the_crate() {
        let chosen = format!("gungraun = \"={}\"", COUNTER.version);
        assert!(include_str!("../../Cargo.toml").contains(&chosen));
    }

    const WORKFLOW: &str = include_str!("../../.github/workflows/ci.yml");

    #[test]
    fn the_forge_builds_with_the_oldest_rust() {
        let chosen = format!("RUSTUP_TOOLCHAIN: \"{OLDEST_RUST}.");
        assert!(WORKFLOW.contains(&chosen), "{chosen}");
    }

    #[test]
    fn the_forge_runs_no_action_that_can_be_exchanged() {
        let mut count = 0;
        for line in WORKFLOW.lines() {
            let Some((_, action)) = line.split_once("uses: ") else {
                continue;
            };
            let (_, commit) = action.split_once('@').unwrap();
            let (commit, version) = commit.split_once(" # ").unwrap();
            let is_commit = commit.len() == 40 && commit.bytes().all(|c| c.is_ascii_hexdigit());
            assert!(is_commit && version.starts_with('v'), "{action}");
            count += 1;
        }
        assert!(count > 0);
    }

    /// Else the lock file is brought up to date before anything is built by it as it is.
    #[test]
    fn a_command_does_not_mend_the_lock_file() {
        let alias = include_str!("../../.cargo/config.toml");
        assert!(alias.contains("xtask = \"run --quiet --locked --package xtask --\""));
    }
}
