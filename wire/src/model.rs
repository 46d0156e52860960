//! A module as core describes it, in `start` and `update`: always whole.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What of a module's row concerns a logic module. Its settings hold secrets, and so it has no
/// `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// The merged settings, a JSON object; what is empty or none counts for nothing.
    pub settings: String,
    /// The system that the module is in.
    pub system: Option<String>,
    /// Free text.
    pub notes: Option<String>,
}

/// Of the settings, those that the slot itself obeys. What cannot be read is as good as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SlotSettings {
    /// Which organization's door events the module gets.
    pub organization_id: Option<serde_json::Value>,
    /// The entries of the egress rule.
    pub allowed_hosts: Option<serde_json::Value>,
    /// From which level on lines of the log go to core.
    pub persistent_log_level: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Row {
    settings: Option<Box<RawValue>>,
    control_system: Option<System>,
    notes: Option<String>,
}

#[derive(Deserialize)]
struct System {
    id: String,
}

impl Model {
    /// Reads the payload of `start` or `update`. Of the many members core sends, few are read.
    ///
    /// # Errors
    ///
    /// If it is no model.
    pub fn parse(payload: &str) -> Result<Self, serde_json::Error> {
        let row: Row = serde_json::from_str(payload)?;
        Ok(Self {
            settings: row
                .settings
                .map_or_else(|| "{}".to_owned(), |settings| settings.get().to_owned()),
            system: row.control_system.map(|system| system.id),
            notes: row.notes,
        })
    }

    /// What the settings say to the slot; `None` where core could not merge them: it sends an empty
    /// object then, and what they said before holds.
    pub fn slot_settings(&self) -> Option<SlotSettings> {
        let settings: serde_json::Map<_, _> = serde_json::from_str(&self.settings).ok()?;
        if settings.is_empty() {
            return None;
        }
        serde_json::from_value(settings.into()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_for_what_concerns_the_module() {
        let row = r#"{"created_at":1767225600,"ip":"","port":0,"tls":false,"udp":false,"makebreak":false,
            "uri":"","name":"Rhombus","role":99,"notes":"by the door","id":"mod-me",
            "control_system":{"id":"sys-abc","name":"Security","zones":["zone-1"],"modules":[]},
            "settings":{"organization_id":"event","a":12345678901234567890123}}"#;
        let model = Model::parse(row).unwrap();
        assert_eq!(model.system.as_deref(), Some("sys-abc"));
        assert_eq!(model.notes.as_deref(), Some("by the door"));
        // As it came: a number may be larger than any that fits a machine's word.
        assert_eq!(
            model.settings,
            r#"{"organization_id":"event","a":12345678901234567890123}"#
        );
    }

    #[test]
    fn a_model_may_lack_almost_everything() {
        let model = Model::parse(r#"{"control_system":null,"notes":null}"#).unwrap();
        assert_eq!(model.settings, "{}");
        assert!(model.system.is_none() && model.slot_settings().is_none());
        assert!(Model::parse("[]").is_err());
    }
}
