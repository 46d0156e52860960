//! Measurements of the slot as it ships.

use std::path::Path;

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use crate::flags::Bench;
use crate::package::PACKAGE;
use crate::{build, dist, micro, setup};

/// The benchmark that is many, and takes flags.
const LOAD: &str = "load";
/// The part of it that has programs of its own.
const SANDBOX: &str = "sandbox";

/// Builds, then has the rig measure. All of it is written into the workspace's root; a part of it is only
/// printed.
pub(crate) fn run(shell: &Shell, bench: &Bench) -> anyhow::Result<()> {
    let benchmark = bench.benchmark.as_deref();
    ensure!(
        bench.only.is_none() || benchmark == Some(LOAD),
        "--only is for `bench {LOAD}`"
    );
    ensure!(
        bench.peer.is_none() || benchmark.is_none_or(|name| name == LOAD),
        "--peer is for `bench` and `bench {LOAD}`"
    );
    let slot = dist::build(shell)?;
    let rig = build::optimised_rig(shell)?;
    setup::for_redis(shell)?;
    match benchmark {
        Some(name) if name != LOAD => {
            cmd!(shell, "{rig} --slot {slot} bench {name}").run()?;
        }
        _ => {
            let mut load = cmd!(shell, "{rig} --slot {slot} load");
            for (option, value) in options(shell, bench, &slot)? {
                load = load.arg(option).arg(value);
            }
            load.run()?;
        }
    }
    Ok(())
}

/// What the rig is told: what it is to do, and what it cannot know.
fn options(
    shell: &Shell,
    bench: &Bench,
    slot: &Path,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut options = Vec::new();
    match (bench.benchmark.as_deref(), &bench.only) {
        (None, _) => options.push(("--report", ".".to_owned())),
        (_, Some(only)) => options.push(("--only", only.clone())),
        (_, None) => {}
    }
    let only = bench.only.as_deref();
    if only.is_none_or(|only| only.split(',').any(|scenario| scenario == SANDBOX)) {
        micro::optimised(shell)?;
        options.push(("--micro", micro::OPTIMISED.to_owned()));
        let browser = setup::browser_version(shell)?;
        options.push(("--note", format!("Chrome={browser}")));
    }
    if let Some(peer) = &bench.peer {
        let file = peer.file_name().context("--peer is no file")?;
        // The rig runs in the workspace's root, wherever this was typed.
        let path = std::path::absolute(peer)?;
        options.push(("--peer", path.display().to_string()));
        options.push(("--note", format!("peer={}", file.display())));
    }
    let commit = cmd!(shell, "git describe --always --dirty --tags").read()?;
    options.push(("--note", format!("this driver={commit}")));
    let wasmtime = cmd!(shell, "cargo pkgid wasmtime").read()?;
    let (_, wasmtime) = wasmtime
        .rsplit_once('@')
        .context("wasmtime without a version")?;
    options.push(("--note", format!("wasmtime={wasmtime}")));
    for (name, program) in [
        ("rustc", "rustc"),
        ("Redis", "redis-server"),
        ("Node", "node"),
    ] {
        let version = cmd!(shell, "{program} --version").read()?;
        options.push(("--note", format!("{name}={version}")));
    }
    let module = format!("{PACKAGE}/rhombus_driver_bg.wasm");
    let glue = format!("{PACKAGE}/rhombus_driver.js");
    let package = dist::pack(shell)?;
    let sizes = [
        ("executable", slot),
        ("driver, as a component", Path::new(build::COMPONENT_FILE)),
        (
            "driver, compiled ahead of time",
            Path::new(build::COMPILED_FILE),
        ),
        ("driver, for JavaScript", Path::new(&module)),
        ("package for JavaScript, as npm packs it", &package),
    ];
    for (name, file) in sizes {
        options.push(("--size", format!("{name}={}", file.display())));
    }
    options.extend([module, glue].map(|file| ("--fetched", file)));
    Ok(options)
}
