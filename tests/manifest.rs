//! `driver.json` says what the code does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::BTreeSet;

use rhombus_driver::settings::Settings;
use serde_json::{Map, Value, json};

const MANIFEST: &str = include_str!("../driver.json");
const INTERFACE: &str = include_str!("../wit/slot.wit");

/// Read by whoever listens to the channel of door events, which is not the driver.
const READ_BY_THE_SLOT: &str = "organization_id";

#[test]
fn the_defaults_are_what_holds_without_any_setting() {
    let defaults: Map<_, _> = settings()
        .into_iter()
        .map(|(name, setting)| (name, setting["default"].clone()))
        .collect();
    let (settings, problems) = Settings::default()
        .updated(&Value::Object(defaults).to_string())
        .unwrap();
    assert_eq!(problems, Vec::<String>::new());
    let none = Settings::default();
    assert_eq!(settings.contract, none.contract);
    assert_eq!(settings.egress, none.egress);
    assert_eq!(settings.listing, none.listing);
    assert_eq!(settings.saved, none.saved);
}

#[test]
fn each_declared_setting_is_read_and_a_malformed_one_is_named() {
    for name in settings().keys().filter(|name| *name != READ_BY_THE_SLOT) {
        let given = json!({ name.as_str(): { "no": "setting is like this" } });
        let (_, problems) = Settings::default().updated(&given.to_string()).unwrap();
        assert_eq!(problems.len(), 1, "{name}");
        assert!(
            problems[0].starts_with(&format!("the setting {name} ")),
            "{problems:?}"
        );
    }
}

#[test]
fn an_undeclared_setting_is_nothing_to_the_driver() {
    let (settings, problems) = Settings::default()
        .updated(r#"{"debug_webhook":true}"#)
        .unwrap();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(settings, Settings::default());
}

#[test]
fn each_default_keeps_its_own_schema() {
    for (name, setting) in settings() {
        let schema = &setting["schema"];
        let default = &setting["default"];
        let kind = match default {
            Value::Null => "null",
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Number(number) if number.is_u64() => "integer",
            other => panic!("{name} has the default {other}"),
        };
        let kinds = match (&schema["type"], &schema["enum"]) {
            (Value::String(one), _) => vec![one.as_str()],
            (Value::Array(some), _) => some.iter().map(|kind| kind.as_str().unwrap()).collect(),
            (Value::Null, Value::Array(values)) => {
                assert!(values.contains(default), "{name}");
                vec!["string"]
            }
            _ => panic!("{name} has neither type nor enum"),
        };
        assert!(
            kinds.contains(&kind),
            "{name} is {kinds:?} and by default {kind}"
        );
    }
}

#[test]
fn the_capabilities_are_the_imports_of_the_interface() {
    let imports = INTERFACE
        .lines()
        .filter_map(|line| line.trim().strip_prefix("import ")?.strip_suffix(';'));
    let declared = manifest();
    let declared = declared["capabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap());
    assert_eq!(
        declared.collect::<BTreeSet<_>>(),
        imports.collect::<BTreeSet<_>>()
    );
}

#[test]
fn functions_have_their_parameters_in_the_order_in_which_placeos_passes_them() {
    let manifest = manifest();
    let parameters = |function: &str| -> Vec<_> {
        let parameters = manifest["functions"][function]["parameters"]
            .as_array()
            .unwrap();
        parameters
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(parameters("request"), ["method", "headers", "body"]);
    assert_eq!(parameters("door_event"), ["json"]);
    assert_eq!(manifest["functions"]["request"]["security"], Value::Null);
    assert_eq!(
        manifest["functions"]["door_event"]["security"],
        "administrator"
    );
}

#[test]
fn the_name_and_the_version_are_the_modules() {
    assert_eq!(manifest()["generic_name"], "Rhombus");
    assert_eq!(manifest()["version"], env!("CARGO_PKG_VERSION"));
}

fn settings() -> Map<String, Value> {
    manifest()["settings"].as_object().unwrap().clone()
}

fn manifest() -> Value {
    serde_json::from_str(MANIFEST).unwrap()
}
