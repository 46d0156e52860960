//! The settings that a module is loaded with, put together from all who have a say.

use placeos_wire::plain_name;
use rhombus_egress::{EntryError, Policy};
use serde_json::{Map, Value};

use crate::cli;

use crate::module::Manifest;

/// Settings that cannot be put together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A `--set` in another form.
    #[error(
        "--set takes NAME=JSON, for example --set organization_id='\"event\"', \
         or an object of several settings"
    )]
    Form,
    /// A `--set` whose value is not JSON. The value is not told: it may hold a secret.
    #[error(
        "the value of --set {0}=… is not JSON; a text needs its own quotes: --set {0}='\"text\"'"
    )]
    NotJson(String),
    /// A `--set` of what the manifest does not list.
    #[error("the driver has no setting {name}; it has: {known}")]
    Unknown {
        /// As given, if it is plainly a name. A list that is given without one is cut at some `=`
        /// of a URL, and what is before it would be the URL.
        name: String,
        /// Those there are.
        known: String,
    },
    /// An `--allow` that the egress rule cannot read.
    #[error("in --allow, {0}")]
    Allow(EntryError),
    /// A setting `allowed_hosts` that the egress rule cannot read.
    #[error("{0}")]
    AllowedHosts(EntryError),
    /// A setting `allowed_hosts` of another form.
    #[error("the setting allowed_hosts is not a list of texts")]
    NoHosts,
}

/// What an operator gave on the command line.
pub(crate) struct Given {
    set: Map<String, Value>,
    allow: Vec<String>,
    /// Subscriptions are given as an argument, and not by the environment.
    pub(crate) shows_subscriptions: bool,
}

/// What to do about it.
pub(crate) const SHOWN: &str = "all users of this machine can read the URLs and secrets of \
                                subscriptions that are on the command line; give them in the \
                                environment, by PLACEOS_SLOT_SET";

/// Settings whose every value holds secrets.
const SECRET: [&str; 2] = ["subscriptions", "saved_subscriptions"];

impl Given {
    /// Reads the values of `--set` and `--allow`.
    pub(crate) fn read(driver: &cli::Driver, manifest: &Manifest) -> Result<Self, SettingsError> {
        Policy::parse(&driver.allow).map_err(SettingsError::Allow)?;
        let mut all = Map::new();
        let mut shows_subscriptions = false;
        for one in &driver.set {
            let settings = read(one, manifest)?;
            let is_secret = SECRET.iter().any(|name| settings.contains_key(*name));
            shows_subscriptions |= is_secret && is_argument(one);
            all.extend(settings);
        }
        for name in all.keys() {
            check_name(name, manifest)?;
        }
        Ok(Self {
            set: all,
            allow: driver.allow.clone(),
            shows_subscriptions,
        })
    }

    /// The module's settings, and the egress rule that they make: the manifest's defaults, over
    /// them what the module `saved`, over them what the operator set; and what the operator lets
    /// through besides.
    pub(crate) fn over(
        self,
        saved: Map<String, Value>,
        manifest: &Manifest,
    ) -> Result<(Map<String, Value>, Policy), SettingsError> {
        let defaults = manifest.settings.iter();
        let mut settings: Map<String, Value> = defaults
            .filter(|(_, setting)| !setting.default.is_null())
            .map(|(name, setting)| (name.clone(), setting.default.clone()))
            .collect();
        settings.extend(saved);
        settings.extend(self.set);
        let mut hosts = hosts(&settings)?;
        hosts.extend(self.allow);
        let policy = Policy::parse(&hosts).map_err(SettingsError::AllowedHosts)?;
        settings.insert("allowed_hosts".to_owned(), hosts.into());
        Ok((settings, policy))
    }
}

fn read(set: &str, manifest: &Manifest) -> Result<Map<String, Value>, SettingsError> {
    if set.trim_start().starts_with('{') {
        return serde_json::from_str(set).map_err(|_| SettingsError::Form);
    }
    let (name, value) = set.split_once('=').ok_or(SettingsError::Form)?;
    check_name(name, manifest)?;
    let value = serde_json::from_str(value).map_err(|_| SettingsError::NotJson(name.to_owned()))?;
    Ok(Map::from_iter([(name.to_owned(), value)]))
}

/// Whether this text is an argument of this process, or the end of one: `--set=…`.
fn is_argument(text: &str) -> bool {
    std::env::args_os().any(|argument| argument.as_encoded_bytes().ends_with(text.as_bytes()))
}

fn check_name(name: &str, manifest: &Manifest) -> Result<(), SettingsError> {
    let known = &manifest.settings;
    if known.contains_key(name) {
        return Ok(());
    }
    Err(SettingsError::Unknown {
        name: plain_name(name).unwrap_or("of that name").to_owned(),
        known: known.keys().cloned().collect::<Vec<_>>().join(", "),
    })
}

fn hosts(settings: &Map<String, Value>) -> Result<Vec<String>, SettingsError> {
    let hosts = settings.get("allowed_hosts").and_then(Value::as_array);
    let text = |host: &Value| host.as_str().map(str::to_owned);
    hosts
        .and_then(|hosts| hosts.iter().map(text).collect())
        .ok_or(SettingsError::NoHosts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::Url;

    use super::*;

    fn manifest() -> Manifest {
        let setting = |default: Value, by: &str| json!({ "default": default, "written_by": by });
        serde_json::from_value(json!({
            "generic_name": "Example",
            "functions": {},
            "settings": {
                "allowed_hosts": setting(json!(["hooks.example"]), "operator"),
                "contract": setting(json!("document"), "operator"),
                "saved_subscriptions": setting(json!(null), "driver"),
            },
            "capabilities": [],
        }))
        .unwrap()
    }

    fn put_together(
        saved: Value,
        set: &[&str],
        allow: &[&str],
    ) -> Result<(Value, Policy), SettingsError> {
        let owned = |texts: &[&str]| -> Vec<String> {
            texts.iter().map(|text| (*text).to_owned()).collect()
        };
        let saved = serde_json::from_value(saved).unwrap();
        let driver = cli::Driver {
            set: owned(set),
            allow: owned(allow),
            ca_file: None,
        };
        let given = Given::read(&driver, &manifest())?;
        let (settings, policy) = given.over(saved, &manifest())?;
        Ok((settings.into(), policy))
    }

    #[test]
    fn without_a_word_from_anybody_the_defaults_hold() {
        let (settings, policy) = put_together(json!({}), &[], &[]).unwrap();
        let defaults = json!({ "allowed_hosts": ["hooks.example"], "contract": "document" });
        assert_eq!(settings, defaults);
        assert_eq!(policy, Policy::parse(["hooks.example"]).unwrap());
    }

    #[test]
    fn the_operator_has_the_last_word_then_the_module() {
        let saved = json!({"saved_subscriptions": {"rev": 1}, "contract": "saved"});
        let (settings, _) = put_together(saved, &["contract=\"deployed\""], &[]).unwrap();
        assert_eq!(
            settings,
            json!({
                "allowed_hosts": ["hooks.example"],
                "contract": "deployed",
                "saved_subscriptions": {"rev": 1},
            })
        );
    }

    #[test]
    fn what_is_allowed_besides_is_added_for_the_module_and_for_the_way_out() {
        let (settings, policy) = put_together(json!({}), &[], &["127.0.0.1"]).unwrap();
        assert_eq!(
            settings["allowed_hosts"],
            json!(["hooks.example", "127.0.0.1"])
        );
        let permits = |url: &str| policy.check_url(&Url::parse(url).unwrap()).is_ok();
        assert!(permits("https://hooks.example/a"));
        assert!(permits("http://127.0.0.1:9000/"));
        assert!(!permits("https://webhooks.rhombussystems.com/"));
    }

    #[test]
    fn several_settings_can_be_given_at_once() {
        let set = [r#"{"contract": "deployed", "allowed_hosts": []}"#];
        let (settings, policy) = put_together(json!({}), &set, &[]).unwrap();
        assert_eq!(settings["contract"], "deployed");
        assert_eq!(policy, Policy::parse([""; 0]).unwrap());
    }

    #[test]
    fn a_mistake_is_named_and_no_value_is_told() {
        let error = |set: &str| {
            let error = put_together(json!({}), &[set], &[]).unwrap_err();
            assert!(!error.to_string().contains("hidden"), "{error}");
            error
        };
        assert_eq!(error("hidden"), SettingsError::Form);
        assert_eq!(error("{\"contract\": hidden}"), SettingsError::Form);
        assert_eq!(
            error("contract=hidden"),
            SettingsError::NotJson("contract".to_owned())
        );
        assert_eq!(
            error("contrakt=\"hidden\"").to_string(),
            "the driver has no setting contrakt; \
             it has: allowed_hosts, contract, saved_subscriptions"
        );
        assert_eq!(
            error(r#"[{"webhook": "https://a.example/hidden?b=c"}]"#).to_string(),
            "the driver has no setting of that name; \
             it has: allowed_hosts, contract, saved_subscriptions"
        );
        assert_eq!(error("allowed_hosts=\"hidden\""), SettingsError::NoHosts);
        assert_eq!(error("allowed_hosts=[1]"), SettingsError::NoHosts);
        assert_eq!(
            error("allowed_hosts=[\"\"]").to_string(),
            "entry 1 of allowed_hosts is empty"
        );
        let error = put_together(json!({}), &[], &["host.example", "10.0.0.1/8"]).unwrap_err();
        assert!(
            error.to_string().starts_with("in --allow, entry 2"),
            "{error}"
        );
    }
}
