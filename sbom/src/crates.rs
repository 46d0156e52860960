//! Crates: which are in it, by `cargo tree`, and their sums, by Cargo.lock.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::bill::{Bill, Part};

/// The sums of crates, by name and version.
pub(crate) type Sums = BTreeMap<(String, String), String>;

/// The sums in the text of a Cargo.lock, which cargo writes a member a line. The workspace's own crates
/// have none.
pub(crate) fn sums(lock: &str) -> Sums {
    let mut sums = Sums::new();
    for package in lock.split("[[package]]").skip(1) {
        let member = |name: &str| {
            let mut lines = package.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
            value.and_then(|value| Some(value.strip_suffix('"')?.to_owned()))
        };
        if let (Some(name), Some(version), Some(sum)) =
            (member("name"), member("version"), member("checksum"))
        {
            sums.insert((name, version), sum);
        }
    }
    sums
}

/// Adds what a tree has: a line each of depth, name, version and, behind `|`, licence.
pub(crate) fn add(bill: &mut Bill, tree: &str, sums: &Sums) -> Result<()> {
    // The way from the root to the line before.
    let mut way: Vec<String> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, part) = read(line, sums).with_context(|| format!("not of a tree: {line}"))?;
        way.truncate(depth);
        let id = part.id();
        bill.add(part, way.last().cloned());
        way.push(id);
    }
    Ok(())
}

fn read(line: &str, sums: &Sums) -> Option<(usize, Part)> {
    let name_at = line.find(|letter: char| !letter.is_ascii_digit())?;
    let (depth, rest) = line.split_at(name_at);
    let (package, licence) = rest.split_once('|')?;
    let mut words = package.split(' ');
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    // What was shown before is marked so.
    let licence = licence.trim_end_matches("(*)").trim();
    let sum = sums.get(&(name.clone(), version.clone()));
    let part = Part {
        purl: sum.map(|_| format!("pkg:cargo/{name}@{version}")),
        // Some write it as it was before there were expressions.
        licence: (!licence.is_empty()).then(|| licence.replace('/', " OR ")),
        sum: sum.map(|sum| ("SHA-256", sum.clone())),
        name,
        version,
    };
    Some((depth.parse().ok()?, part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LOCK: &str = r#"
[[package]]
name = "bytes"
version = "1.12.2"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "00ff"

[[package]]
name = "slot"
version = "0.1.0"
dependencies = [
 "bytes",
]
"#;

    const TREE: &str = "\
0slot v0.1.0 (/home/ann/tree/slot)|MIT
1http v1.5.0|MIT/Apache-2.0
2bytes v1.12.2|MIT
1bytes v1.12.2|MIT (*)
";

    #[test]
    fn a_tree_is_read_with_what_needs_what() {
        let mut bill = Bill::new("program", "0.1.0", b"");
        add(&mut bill, TREE, &sums(LOCK)).unwrap();
        let bill = bill.json();
        assert_eq!(
            bill["dependencies"],
            json!([
                { "ref": "own/http@1.5.0", "dependsOn": ["pkg:cargo/bytes@1.12.2"] },
                { "ref": "own/slot@0.1.0", "dependsOn": ["own/http@1.5.0", "pkg:cargo/bytes@1.12.2"] },
                { "ref": "program", "dependsOn": ["own/slot@0.1.0"] },
            ])
        );
        let [http, slot, bytes] = bill["components"].as_array().unwrap().as_slice() else {
            panic!("{bill}");
        };
        assert_eq!(
            http["licenses"],
            json!([{ "expression": "MIT OR Apache-2.0" }])
        );
        assert_eq!(
            bytes["hashes"],
            json!([{ "alg": "SHA-256", "content": "00ff" }])
        );
        assert!(!slot.to_string().contains("ann"), "{slot}");
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let mut bill = Bill::new("program", "0.1.0", b"");
        assert!(add(&mut bill, "error: no such package", &Sums::new()).is_err());
    }
}
