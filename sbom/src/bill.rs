//! The bill itself, as CycloneDX 1.6 has it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What is in a file. Everything is in an order of its own, so that the same makes the same text.
#[derive(Debug)]
pub(crate) struct Bill {
    name: String,
    version: String,
    sum: [u8; 32],
    parts: BTreeMap<String, Part>,
    /// Which part needs which others.
    needs: BTreeMap<String, BTreeSet<String>>,
    made_by: Vec<(String, String)>,
}

/// A crate or a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) licence: Option<String>,
    /// Its address, if it is from a registry; else it is of this repository.
    pub(crate) purl: Option<String>,
    /// Algorithm and sum, in hexadecimal, of what the registry has.
    pub(crate) sum: Option<(&'static str, String)>,
}

impl Part {
    /// What it is called here.
    pub(crate) fn id(&self) -> String {
        let own = || format!("own/{}@{}", self.name, self.version);
        self.purl.clone().unwrap_or_else(own)
    }
}

impl Bill {
    /// Of a file with this content.
    pub(crate) fn new(name: &str, version: &str, content: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            sum: Sha256::digest(content).into(),
            parts: BTreeMap::new(),
            needs: BTreeMap::new(),
            made_by: Vec::new(),
        }
    }

    /// It has `part` in it. Another part needs it, or the file itself.
    pub(crate) fn add(&mut self, part: Part, needed_by: Option<String>) {
        let id = part.id();
        let needed_by = needed_by.unwrap_or_else(|| self.name.clone());
        self.needs.entry(needed_by).or_default().insert(id.clone());
        self.parts.insert(id, part);
    }

    /// It was made by a tool of that version.
    pub(crate) fn made_by(&mut self, name: &str, version: &str) {
        self.made_by.push((name.to_owned(), version.to_owned()));
    }

    pub(crate) fn json(&self) -> Value {
        let made_by: Vec<_> = self.made_by.iter().map(|(name, version)| {
            json!({ "type": "application", "name": name, "version": version })
        }).collect();
        let needs = self.needs.iter();
        let needs: Vec<_> = needs
            .map(|(id, needs)| json!({ "ref": id, "dependsOn": needs }))
            .collect();
        json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": self.serial_number(),
            "version": 1,
            "metadata": {
                "component": {
                    "type": "application",
                    "bom-ref": self.name,
                    "name": self.name,
                    "version": self.version,
                    "hashes": [{ "alg": "SHA-256", "content": hex::encode(self.sum) }],
                },
                "tools": { "components": made_by },
            },
            "components": self.parts.values().map(component).collect::<Vec<_>>(),
            "dependencies": needs,
        })
    }

    /// A UUID of version 8, which is free to be made of anything: here of the file's sum.
    fn serial_number(&self) -> String {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.sum[..16]);
        bytes[6] = 0x80 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        let hex = hex::encode(bytes);
        let [a, b, c, d, e] = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ];
        format!("urn:uuid:{a}-{b}-{c}-{d}-{e}")
    }
}

fn component(part: &Part) -> Value {
    let mut json = json!({
        "type": "library",
        "bom-ref": part.id(),
        "name": part.name,
        "version": part.version,
    });
    if let Some(purl) = &part.purl {
        json["purl"] = purl.as_str().into();
    }
    if let Some(licence) = &part.licence {
        json["licenses"] = json!([{ "expression": licence }]);
    }
    if let Some((algorithm, sum)) = &part.sum {
        json["hashes"] = json!([{ "alg": algorithm, "content": sum }]);
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str) -> Part {
        Part {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: Some("MIT".to_owned()),
            purl: Some(format!("pkg:cargo/{name}@1.0.0")),
            sum: None,
        }
    }

    #[test]
    fn the_order_in_which_parts_are_found_makes_no_difference() {
        let bill = |names: [&str; 2]| {
            let mut bill = Bill::new("program", "0.1.0", b"content");
            for name in names {
                bill.add(part(name), None);
            }
            bill.json()
        };
        assert_eq!(bill(["a", "b"]), bill(["b", "a"]));
        let needs = &bill(["b", "a"])["dependencies"];
        let both = ["pkg:cargo/a@1.0.0", "pkg:cargo/b@1.0.0"];
        assert_eq!(*needs, json!([{ "ref": "program", "dependsOn": both }]));
    }

    #[test]
    fn its_number_is_a_uuid_that_follows_from_the_file() {
        let number = |content: &[u8]| Bill::new("program", "0.1.0", content).serial_number();
        // The sum of nothing begins with e3b0c44298fc1c149afbf4c8996fb924.
        assert_eq!(number(b""), "urn:uuid:e3b0c442-98fc-8c14-9afb-f4c8996fb924");
        assert_ne!(number(b""), number(b"content"));
    }
}
