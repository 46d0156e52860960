//! What is in the files that ship, as bills of materials beside them.

use std::path::Path;

use anyhow::Context;
use xshell::{Shell, cmd};

use super::FOLDER;
use crate::build::{self, WORKSPACE};
use crate::cargo::on_host;
use crate::versions::{STATIC_TARGET, WASM_TARGET, WEB_FOLDER};

/// Where what cargo says is put, for the program that makes a bill of it.
const TREES: &str = "target/trees";
/// Both files are of the workspace's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What cargo compiles for a part of what ships; the same arguments select it there.
struct Tree {
    name: &'static str,
    package: &'static str,
    target: &'static str,
    features: &'static [&'static str],
}

const SLOT: Tree = Tree {
    name: "slot",
    package: "placeos-slot",
    target: STATIC_TARGET,
    features: &[],
};
/// The driver in the slot.
const COMPONENT: Tree = Tree {
    name: "component",
    package: "rhombus-driver",
    target: WASM_TARGET,
    features: &["--no-default-features", "--features", "component"],
};
/// The driver in the package, which the slot has too: its playground loads it.
const PACKAGE: Tree = Tree {
    name: "package",
    package: "rhombus-driver",
    target: WASM_TARGET,
    features: &[],
};

/// Writes a bill for the program `slot`, and one for the package beside it.
pub(super) fn list(shell: &Shell, slot: &Path) -> anyhow::Result<()> {
    on_host(cmd!(shell, "cargo build {WORKSPACE...} --bin sbom")).run()?;
    shell.create_dir(TREES)?;
    let files = super::files(&shell.current_dir().join(FOLDER))?;
    let mut files = files.iter();
    let package = files.find(|file| file.extension().is_some_and(|end| end == "tgz"));
    let package = package.context("npm has packed nothing")?;
    let pages = ["--npm", &format!("{WEB_FOLDER}/package-lock.json")].map(str::to_owned);
    bill(shell, slot, &[SLOT, COMPONENT, PACKAGE], &pages)?;
    bill(shell, package, &[PACKAGE], &[])
}

fn bill(shell: &Shell, file: &Path, trees: &[Tree], more: &[String]) -> anyhow::Result<()> {
    let sbom = build::program("sbom")?;
    let mut arguments = Vec::new();
    for tree in trees {
        arguments.extend(["--tree".to_owned(), write(shell, tree)?]);
    }
    for tool in ["rustc", "node", "musl-gcc"] {
        arguments.extend(["--made-by".to_owned(), version(shell, tool)?]);
    }
    let name = file
        .file_stem()
        .context("it has no name")?
        .to_string_lossy();
    let bill = cmd!(shell, "{sbom} {file} --version {VERSION} --lock Cargo.lock")
        .args(arguments)
        .args(more)
        .read()?;
    Ok(shell.write_file(format!("{FOLDER}/{name}.cdx.json"), format!("{bill}\n"))?)
}

/// Asks cargo, and answers where its answer is. What runs only while it is compiled is not in it.
fn write(shell: &Shell, tree: &Tree) -> anyhow::Result<String> {
    let Tree {
        name,
        package,
        target,
        features,
    } = tree;
    let form = ["--prefix", "depth", "--format", "{p}|{l}"];
    let tree = cmd!(
        shell,
        "cargo tree --locked --package {package} --target {target} --edges normal,no-proc-macro"
    );
    let tree = on_host(tree.args(*features).args(form)).read()?;
    let file = format!("{TREES}/{name}");
    shell.write_file(&file, tree)?;
    Ok(file)
}

/// The first line of a tool's `--version`, behind its name.
fn version(shell: &Shell, tool: &str) -> anyhow::Result<String> {
    let version = cmd!(shell, "{tool} --version").quiet().read()?;
    let line = version.lines().next().unwrap_or_default();
    Ok(format!("{tool}={line}"))
}
