//! `sbom`: a bill of materials, in CycloneDX's JSON, of a file that ships: which crates and npm packages
//! are in it.
//!
//! It is made from what `cargo tree` says, which resolves features as cargo itself does for that package
//! and target; what reads `cargo metadata` finds those of tests and build scripts too. It says nothing of
//! the time or the machine, so that it is the same wherever the same file is made.

mod bill;
mod crates;
mod npm;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use crate::bill::Bill;

/// Prints what is in a file that ships, in CycloneDX's JSON
#[derive(Debug, Parser)]
struct Cli {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Its version
    #[arg(long)]
    version: String,

    /// Cargo.lock, which has the sums of the crates
    #[arg(long, value_name = "FILE")]
    lock: PathBuf,

    /// What `cargo tree --prefix depth --format '{p}|{l}'` says of crates that are in it
    #[arg(long = "tree", value_name = "FILE", required = true)]
    trees: Vec<PathBuf>,

    /// A package-lock.json of npm packages that are in it
    #[arg(long, value_name = "FILE")]
    npm: Option<PathBuf>,

    /// By what it was made; whoever makes it again needs the same
    #[arg(long, value_name = "NAME=VERSION")]
    made_by: Vec<String>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let read =
        |path: &PathBuf| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let text = |path: &PathBuf| Ok::<_, anyhow::Error>(String::from_utf8(read(path)?)?);
    let name = cli.file.file_name().context("the file has no name")?;
    let mut bill = Bill::new(&name.to_string_lossy(), &cli.version, &read(&cli.file)?);
    let sums = crates::sums(&text(&cli.lock)?);
    for tree in &cli.trees {
        crates::add(&mut bill, &text(tree)?, &sums)?;
    }
    if let Some(lock) = &cli.npm {
        npm::add(&mut bill, &text(lock)?)?;
    }
    for made_by in &cli.made_by {
        let (name, version) = made_by.split_once('=').context("no NAME=VERSION")?;
        bill.made_by(name, version);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:#}", bill.json())?;
    Ok(())
}
