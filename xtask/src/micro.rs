//! What does the work of an event natively and in every engine, put into one folder for the rig.

use std::path::Path;

use xshell::{Shell, cmd};

use crate::build::{MODULE, WORKSPACE, program};
use crate::cargo::{on_host, on_wasm};
use crate::dist;
use crate::setup::{self, WasmToolchain};
use crate::versions::WASM_TARGET;

/// Where it is when it is optimised, from the workspace's root.
pub(crate) const OPTIMISED: &str = "target/micro/optimised";
/// Where the rig's tests have it.
const FOR_TESTS: &str = "target/micro/tests";

/// Selects the work as a module.
pub(crate) const WASM: [&str; 8] = [
    "--locked",
    "--package",
    "micro-wasm",
    "--lib",
    "--target",
    WASM_TARGET,
    "--target-dir",
    MODULE,
];

/// Builds all of it as tests have everything.
pub(crate) fn for_tests(shell: &Shell, wasm: WasmToolchain) -> anyhow::Result<()> {
    on_wasm(cmd!(shell, "cargo build {WASM...}"), wasm).run()?;
    let programs = ["--bin", "micro-native", "--bin", "micro-slot"];
    on_host(cmd!(shell, "cargo build {WORKSPACE...} {programs...}")).run()?;
    let (native, slot) = (program("micro-native")?, program("micro-slot")?);
    gather(shell, FOR_TESTS, "debug", &native, &slot)
}

/// Builds all of it as what it stands for ships: the driver is compiled with the profile `module`, natively
/// too, and the slot around it is static. The slot that ships was built before, and with it what Node runs; the
/// browser is set up here.
pub(crate) fn optimised(shell: &Shell) -> anyhow::Result<()> {
    let wasm = setup::run(shell)?;
    setup::for_browser(shell)?;
    on_wasm(cmd!(shell, "cargo build {WASM...} --profile module"), wasm).run()?;
    // In a folder of its own: the profile's would be that of modules.
    let native = ["--package", "micro", "--bin", "micro-native"];
    let folder = "target/micro";
    on_host(cmd!(
        shell,
        "cargo build --locked {native...} --profile module --target-dir {folder}"
    ))
    .run()?;
    let native = Path::new(folder).join("module/micro-native");
    let slot = dist::static_program(shell, "micro-slot")?;
    gather(shell, OPTIMISED, "module", &native, &slot)
}

/// Puts the programs into `folder`, and the module that was built with that profile, as it is and compiled.
fn gather(
    shell: &Shell,
    folder: &str,
    profile: &str,
    native: &Path,
    slot: &Path,
) -> anyhow::Result<()> {
    on_host(cmd!(shell, "cargo build {WORKSPACE...} --bin core-compile")).run()?;
    let core_compile = program("core-compile")?;
    let folder = shell.create_dir(folder)?;
    let module = format!("{MODULE}/{WASM_TARGET}/{profile}/micro_wasm.wasm");
    let compiled = folder.join("micro.cwasm");
    cmd!(shell, "{core_compile} {module} {compiled}").run()?;
    for (from, name) in [
        (Path::new(&module), "micro.wasm"),
        (native, "micro-native"),
        (slot, "micro-slot"),
    ] {
        let to = folder.join(name);
        // Whatever runs from there goes on running.
        shell.remove_path(&to)?;
        shell.copy_file(from, to)?;
    }
    Ok(())
}
