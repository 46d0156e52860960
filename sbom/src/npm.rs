//! npm packages: those of a package-lock.json that are not only there for development.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::bill::{Bill, Part};

/// Adds them.
pub(crate) fn add(bill: &mut Bill, lock: &str) -> Result<()> {
    let lock: Value = serde_json::from_str(lock)?;
    let packages = lock["packages"].as_object();
    for (path, package) in packages.context("it lists no packages")? {
        // The first is the project itself.
        let Some((_, name)) = path.rsplit_once("node_modules/") else {
            continue;
        };
        if package["dev"] == true {
            continue;
        }
        bill.add(
            part(name, package).with_context(|| format!("of {name}"))?,
            None,
        );
    }
    Ok(())
}

fn part(name: &str, package: &Value) -> Result<Part> {
    let version = package["version"].as_str().context("there is no version")?;
    let sum = package["integrity"].as_str().context("there is no sum")?;
    let Some(sum) = sum.strip_prefix("sha512-") else {
        bail!("the sum is of another kind: {sum}");
    };
    // A scope begins with @, which has a meaning in an address.
    let path = name.replace('@', "%40");
    Ok(Part {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: package["license"].as_str().map(str::to_owned),
        purl: Some(format!("pkg:npm/{path}@{version}")),
        sum: Some(("SHA-512", hex::encode(BASE64_STANDARD.decode(sum)?))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bundled_is_listed_and_what_bundles_it_is_not() {
        let lock = r#"{ "packages": {
            "": { "name": "pages" },
            "node_modules/preact": { "version": "11.2.0", "integrity": "sha512-AP8=", "license": "MIT" },
            "node_modules/esbuild": { "version": "0.28.2", "integrity": "sha512-AP8=", "dev": true }
        } }"#;
        let mut bill = Bill::new("program", "0.1.0", b"");
        add(&mut bill, lock).unwrap();
        let bill = bill.json();
        let [preact] = bill["components"].as_array().unwrap().as_slice() else {
            panic!("{bill}");
        };
        assert_eq!(preact["purl"], "pkg:npm/preact@11.2.0");
        assert_eq!(preact["hashes"][0]["content"], "00ff");
    }

    #[test]
    fn a_package_without_a_sum_is_refused() {
        let lock = r#"{ "packages": { "node_modules/preact": { "version": "11.2.0" } } }"#;
        assert!(add(&mut Bill::new("program", "0.1.0", b""), lock).is_err());
    }
}
