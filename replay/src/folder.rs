//! Fixtures as files.

use std::io;
use std::path::{Path, PathBuf};

use crate::fixture::Fixture;

/// All fixtures below `folder`, by their path in it without the ending, in order.
///
/// # Errors
///
/// If a file cannot be read, is not a fixture, or if there is none at all.
pub fn fixtures_below(folder: &Path) -> io::Result<Vec<(String, Fixture)>> {
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    paths.sort();
    if paths.is_empty() {
        return Err(io::Error::other(format!(
            "there is no fixture below {}",
            folder.display()
        )));
    }
    let named = |path: &PathBuf| {
        let name = path.strip_prefix(folder).unwrap_or(path).with_extension("");
        Ok((
            name.to_string_lossy().replace('\\', "/"),
            read_fixture(path)?,
        ))
    };
    paths.iter().map(named).collect()
}

/// The fixture in a file.
///
/// # Errors
///
/// If it cannot be read, or is not a fixture.
pub fn read_fixture(path: &Path) -> io::Result<Fixture> {
    let named = |why: String| io::Error::other(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| named(error.to_string()))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    let named = |error: io::Error| io::Error::other(format!("{}: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(named)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|ending| ending == "json") {
            paths.push(path);
        }
    }
    Ok(())
}
