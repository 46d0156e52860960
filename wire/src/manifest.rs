//! What a driver says of itself: `driver.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The manifest of the driver that this slot carries.
const EMBEDDED: &str = include_str!("../../driver.json");

/// A driver's manifest.
#[derive(Clone, Debug, Deserialize)]
pub struct Manifest {
    /// The name by which a system addresses the module.
    pub generic_name: String,
    /// What people call the driver.
    #[serde(default)]
    pub descriptive_name: String,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// What others may call.
    pub functions: BTreeMap<String, Function>,
    /// What can be set.
    pub settings: BTreeMap<String, Setting>,
    /// The interfaces of `wit/slot.wit` that the module may import.
    pub capabilities: Vec<String>,
}

/// A function of a driver.
#[derive(Clone, Debug, Deserialize)]
pub struct Function {
    /// The clearance that a caller needs; `None` if any will do.
    pub security: Option<Security>,
    /// What it takes, in the order in which callers may give it without names.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
}

/// A parameter of a function.
#[derive(Clone, Debug, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it may be, in JSON Schema.
    pub schema: Value,
    /// Its value where a caller gives none, which may be `null`; without one a caller must.
    #[serde(default, deserialize_with = "written")]
    pub default: Option<Value>,
}

/// What is written there, also if it is `null`.
fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A clearance of PlaceOS.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Support staff; a webhook has this one.
    Support,
    /// Administrators.
    Administrator,
}

/// A setting of a driver.
#[derive(Clone, Debug, Deserialize)]
pub struct Setting {
    /// Its value where nobody sets it; `null` leaves it out.
    pub default: Value,
    /// What it may be, in JSON Schema.
    #[serde(default)]
    pub schema: Value,
    /// Who writes it.
    pub written_by: Writer,
}

/// Who writes a setting.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Writer {
    /// The operator; the driver only reads it.
    Operator,
    /// The driver itself.
    Driver,
}

impl Manifest {
    /// The manifest of the driver that this slot carries.
    pub fn embedded() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "the file is part of the program, and a test reads it"
        )]
        serde_json::from_str(EMBEDDED).expect("driver.json is a manifest")
    }

    /// Whether the module may save the setting `name`.
    pub fn may_save(&self, name: &str) -> bool {
        self.settings
            .get(name)
            .is_some_and(|setting| setting.written_by == Writer::Driver)
    }

    /// Whether it declares the capability that the import `import` asks for.
    pub fn declares(&self, import: &str) -> bool {
        let name = import
            .strip_prefix("placeos:slot/")
            .and_then(|rest| rest.split('@').next());
        name.is_some_and(|name| {
            self.capabilities
                .iter()
                .any(|capability| capability == name)
        })
    }
}
