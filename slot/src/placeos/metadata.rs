//! What the driver says of itself to PlaceOS, made from its manifest: `-m` and `-d`, and the key
//! `interface/<module>`.
//!
//! The rules are those of PlaceOS's own drivers. Callers give arguments without names in the order
//! of the parameters, so that their order counts.

use serde_json::{Map, Value, json};

use super::log::LEVELS;
use crate::module::{Manifest, Security};

/// The line that `-m` prints: what can be called, by whom and how, and what can be set.
pub fn metadata(manifest: &Manifest) -> String {
    with_schema(described(manifest), manifest)
}

/// The line that `-d` prints: what a new driver row is filled with.
pub fn defaults(manifest: &Manifest) -> String {
    with_schema(discovery(manifest), manifest)
}

/// The line of both together.
pub fn defaults_and_metadata(manifest: &Manifest) -> String {
    let mut both = discovery(manifest);
    both.pop();
    both.push(',');
    both.push_str(&described(manifest)[1..]);
    with_schema(both, manifest)
}

/// The value of `interface/<module>`: the metadata, and the notes of the module's row.
pub(super) fn interface(manifest: &Manifest, notes: Option<&str>) -> String {
    let mut interface = metadata(manifest);
    interface.pop();
    interface.push_str(&format!(r#","notes":{}}}"#, Value::from(notes)));
    interface
}

/// Without whitespace, also inside of texts, as PlaceOS has it.
fn described(manifest: &Manifest) -> String {
    let mut interface = Map::new();
    let mut functions = Map::new();
    let mut security = Map::new();
    for (name, function) in &manifest.functions {
        let mut parameters = Map::new();
        let mut types = Map::new();
        for parameter in &function.parameters {
            let mut title = crystal_type(&parameter.schema);
            if parameter.default == Some(Value::Null) {
                title = format!("({title}|Nil)");
            }
            let mut schema = parameter.schema.as_object().cloned().unwrap_or_default();
            schema.insert("title".to_owned(), title.as_str().into());
            let mut kind = vec![Value::from(title)];
            if let Some(default) = &parameter.default {
                schema.insert("default".to_owned(), default.clone());
                kind.push(default.clone());
            }
            parameters.insert(parameter.name.clone(), schema.into());
            types.insert(parameter.name.clone(), kind.into());
        }
        interface.insert(name.clone(), parameters.into());
        functions.insert(name.clone(), types.into());
        if let Some(clearance) = function.security {
            let clearance = match clearance {
                Security::Support => "support",
                Security::Administrator => "administrator",
            };
            let of_clearance = security.entry(clearance).or_insert_with(|| json!([]));
            if let Some(names) = of_clearance.as_array_mut() {
                names.push(name.as_str().into());
            }
        }
    }
    let mut text = json!({
        "interface": interface,
        "functions": functions,
        "implements": [],
        "requirements": {},
        "security": security,
        "versions": { "driver": manifest.version },
    })
    .to_string();
    text.retain(|letter| !letter.is_whitespace());
    text
}

fn discovery(manifest: &Manifest) -> String {
    let defaults: Map<_, _> = manifest
        .settings
        .iter()
        .filter(|(_, setting)| !setting.default.is_null())
        .map(|(name, setting)| (name.clone(), setting.default.clone()))
        .collect();
    json!({
        "descriptive_name": manifest.descriptive_name,
        "generic_name": manifest.generic_name,
        "description": manifest.description,
        "default_settings": Value::from(defaults).to_string(),
    })
    .to_string()
}

/// Appends the schema of the settings: those of the driver, and one that a slot itself obeys.
fn with_schema(mut object: String, manifest: &Manifest) -> String {
    let log_level = json!({ "type": "string", "enum": LEVELS });
    let mut properties = Map::from_iter([("persistent_log_level".to_owned(), log_level)]);
    for (name, setting) in &manifest.settings {
        properties.insert(name.clone(), setting.schema.clone());
    }
    let schema = json!({ "type": "object", "properties": properties, "required": [] });
    object.pop();
    object.push_str(&format!(r#","json_schema":{schema}}}"#));
    object
}

/// The name of a schema's type in Crystal, in which PlaceOS's drivers are written.
fn crystal_type(schema: &Value) -> String {
    if let Some(names) = schema.get("type").and_then(Value::as_array) {
        let kinds: Vec<_> = names
            .iter()
            .map(|name| crystal_type(&json!({ "type": name })))
            .collect();
        return format!("({})", kinds.join("|"));
    }
    if schema.get("enum").is_some() {
        return "String".to_owned();
    }
    if let Some(kinds) = schema.get("anyOf").and_then(Value::as_array) {
        let kinds: Vec<_> = kinds.iter().map(crystal_type).collect();
        return format!("({})", kinds.join("|"));
    }
    let text = |name: &str| schema.get(name).and_then(Value::as_str);
    match text("type") {
        Some("string") => "String".to_owned(),
        Some("boolean") => "Bool".to_owned(),
        Some("integer") => text("format").unwrap_or("Int64").to_owned(),
        Some("number") => text("format").unwrap_or("Float64").to_owned(),
        Some("null") => "Nil".to_owned(),
        Some("array") => format!("Array({})", crystal_type(&schema["items"])),
        Some("object") if schema.get("additionalProperties").is_some() => format!(
            "Hash(String,{})",
            crystal_type(&schema["additionalProperties"])
        ),
        _ => "JSON::Any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        assert!(!text.contains('\n'), "{text}");
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn metadata_is_as_placeos_has_it() {
        let text = metadata(&Manifest::embedded());
        // Parameters in the order of the declaration, and no blank before the schema.
        let request = r#""request":{"method":{"type":"string","title":"String"},"headers":{"type":"object","additionalProperties":{"type":"array","items":{"type":"string"}},"title":"Hash(String,Array(String))"},"body":{"type":"string","title":"String"}}"#;
        assert!(text.contains(request), "{text}");
        let metadata = read(&text);
        let members: Vec<_> = metadata.as_object().unwrap().keys().collect();
        let expected = "interface functions implements requirements security versions json_schema";
        assert_eq!(members, expected.split(' ').collect::<Vec<_>>());
        assert_eq!(
            metadata["functions"]["request"],
            json!({"method": ["String"], "headers": ["Hash(String,Array(String))"], "body": ["String"]})
        );
        assert_eq!(
            (&metadata["implements"], &metadata["requirements"]),
            (&json!([]), &json!({}))
        );
        let administrators = metadata["security"]["administrator"].as_array().unwrap();
        assert!(administrators.contains(&json!("door_event")));
        let settings = &metadata["json_schema"]["properties"];
        assert_eq!(settings["organization_id"]["type"], "string");
        assert_eq!(settings["persistent_log_level"]["enum"][7], "none");
        let (before, _) = text.split_once("\"json_schema\"").unwrap();
        assert!(!before.contains(char::is_whitespace));
    }

    #[test]
    fn defaults_fill_a_driver_row() {
        let defaults = read(&defaults(&Manifest::embedded()));
        assert_eq!(defaults["generic_name"], "Rhombus");
        let settings = read(defaults["default_settings"].as_str().unwrap());
        assert_eq!(settings["organization_id"], "event");
        assert_eq!(settings["subscriptions"], json!([]));
        // The driver's own, which no operator fills in.
        assert!(settings.get("saved_subscriptions").is_none());
        assert!(defaults["json_schema"]["properties"].is_object());
    }

    #[test]
    fn both_together_have_the_schema_once() {
        let text = defaults_and_metadata(&Manifest::embedded());
        assert_eq!(text.matches("json_schema").count(), 1);
        let both = read(&text);
        let members: Vec<_> = both.as_object().unwrap().keys().collect();
        assert_eq!(members[0], "descriptive_name");
        assert_eq!(members.last().unwrap().as_str(), "json_schema");
        assert!(both["interface"]["request"].is_object());
    }

    #[test]
    fn the_interface_of_a_module_has_its_notes() {
        let manifest = Manifest::embedded();
        let noted = read(&interface(&manifest, Some("by the \"door\"")));
        assert_eq!(noted["notes"], "by the \"door\"");
        assert_eq!(read(&interface(&manifest, None))["notes"], Value::Null);
        assert!(noted["interface"]["request"].is_object());
    }

    #[test]
    fn types_have_their_names_in_crystal() {
        for (schema, name) in [
            (json!({"type": "boolean"}), "Bool"),
            (json!({"type": "integer", "format": "Int32"}), "Int32"),
            (json!({"type": "number"}), "Float64"),
            (
                json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
                "(String|Nil)",
            ),
            (json!({"enum": ["one", "two"]}), "String"),
            (json!({"type": ["integer", "string"]}), "(Int64|String)"),
            (json!({"type": "object"}), "JSON::Any"),
        ] {
            assert_eq!(crystal_type(&schema), name);
        }
    }
}
