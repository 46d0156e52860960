//! The same sources make the same files, wherever they are.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use super::FOLDER;
use crate::cargo::on_host;
use crate::say;

/// Two folders, from the workspace's root, whose paths differ in length.
const TREES: [&str; 2] = [
    "target/reproduce/a",
    "target/reproduce/elsewhere/another-one",
];

/// Makes what ships of the last commit, in two clones, and compares.
///
/// # Errors
///
/// They differ; the first difference is named.
pub(super) fn run(shell: &Shell) -> anyhow::Result<()> {
    for tree in TREES {
        say(format_args!("making what ships in {tree}"));
        shell.remove_path(tree)?;
        cmd!(shell, "git clone --quiet . {tree}").run()?;
        let _folder = shell.push_dir(tree);
        // Each has a folder of its own for what it builds, whatever this one has.
        on_host(cmd!(shell, "cargo xtask dist"))
            .env_remove("CARGO_TARGET_DIR")
            .run()?;
    }
    let folders = TREES.map(|tree| shell.current_dir().join(tree).join(FOLDER));
    if let Some(difference) = difference(&folders[0], &folders[1])? {
        bail!("{} and {} differ: {difference}", TREES[0], TREES[1]);
    }
    say("both folders made the same files");
    Ok(())
}

/// The first difference between the files of two folders.
fn difference(one: &Path, other: &Path) -> anyhow::Result<Option<String>> {
    let (names, others) = (names(one)?, names(other)?);
    if let Some(name) = names.symmetric_difference(&others).next() {
        return Ok(Some(format!("only one has {}", name.display())));
    }
    for name in &names {
        let read = |folder: &Path| fs::read(folder.join(name)).context("a file is gone");
        let (bytes, others) = (read(one)?, read(other)?);
        if bytes != others {
            let mut pairs = bytes.iter().zip(&others);
            let at = pairs.position(|(byte, other)| byte != other);
            let at = at.unwrap_or_else(|| bytes.len().min(others.len()));
            let name = name.display();
            return Ok(Some(format!("{name}, from byte {at} on")));
        }
    }
    Ok(None)
}

fn names(folder: &Path) -> anyhow::Result<BTreeSet<OsString>> {
    let files = super::files(folder).with_context(|| format!("no {}", folder.display()))?;
    let names = files.iter().filter_map(|file| file.file_name());
    Ok(names.map(OsStr::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Two folders, each with the files named.
    fn folders(test: &str, files: [&[(&str, &str)]; 2]) -> [PathBuf; 2] {
        let place = std::env::temp_dir().join(format!("reproduce-{}-{test}", std::process::id()));
        let mut index = 0;
        files.map(|files| {
            index += 1;
            let folder = place.join(index.to_string());
            fs::create_dir_all(&folder).unwrap();
            for (name, content) in files {
                fs::write(folder.join(name), content).unwrap();
            }
            folder
        })
    }

    #[test]
    fn the_first_difference_is_named() {
        for (test, one, other, expected) in [
            ("same", "slot", "slot", None),
            ("other", "slot", "slut", Some("program, from byte 2 on")),
            ("longer", "slot", "slots", Some("program, from byte 4 on")),
        ] {
            let [one, other] = folders(test, [&[("program", one)], &[("program", other)]]);
            assert_eq!(difference(&one, &other).unwrap().as_deref(), expected);
            fs::remove_dir_all(one.parent().unwrap()).unwrap();
        }
        let [one, other] = folders("missing", [&[("a", ""), ("b", "")], &[("a", "")]]);
        let expected = Some("only one has b");
        assert_eq!(difference(&one, &other).unwrap().as_deref(), expected);
        fs::remove_dir_all(one.parent().unwrap()).unwrap();
    }
}
