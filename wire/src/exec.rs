//! A call of a function, as core hands it over: its name, and arguments with or without names.

use serde_json::{Map, Value};

use crate::{Manifest, Parameter, plain_name};

/// A call that can be made. Its arguments may hold secrets, and so it has no `Debug`.
pub enum Call {
    /// The webhook.
    Request(Webhook),
    /// Another function, with a JSON object of its arguments by name.
    Function {
        /// Its name, one of the manifest's.
        name: String,
        /// A JSON object, as text.
        arguments: String,
    },
}

/// A webhook's request. Its headers and body hold secrets, and so it has no `Debug`.
pub struct Webhook {
    /// The HTTP method, in upper case.
    pub method: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a call cannot be made, in the words of PlaceOS's own drivers, which callers may know.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecError {
    /// It has not the form of a call.
    #[error("the payload is not a call: {0}")]
    Malformed(&'static str),
    /// It lacks this member, or the call this argument.
    #[error("Missing hash key: {0:?}")]
    Missing(String),
    /// The driver has no such function.
    #[error("execute requested for unknown method: {name} on {driver}")]
    Unknown {
        /// What was called.
        name: String,
        /// The driver's name in a system.
        driver: String,
    },
    /// More arguments without names than the function takes.
    #[error("wrong number of arguments for '\"{name}\"' (given {given}, expected {expected})")]
    TooMany {
        /// The function.
        name: String,
        /// How many were given.
        given: usize,
        /// How many it takes at most.
        expected: usize,
    },
    /// An argument of the webhook is not of its type.
    #[error("the argument {0} cannot be read")]
    Unreadable(&'static str),
}

impl ExecError {
    /// The error's class in Crystal.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "JSON::ParseException",
            Self::Missing(_) => "KeyError",
            Self::Unknown { .. } | Self::TooMany { .. } => "ArgumentError",
            Self::Unreadable(_) => "JSON::SerializableError",
        }
    }
}

impl Call {
    /// Reads the payload of an `exec`.
    ///
    /// # Errors
    ///
    /// Why it is no call of one of the manifest's functions. The text quotes nothing of the payload but
    /// what is plainly a name.
    pub fn parse(payload: &str, manifest: &Manifest) -> Result<Self, ExecError> {
        // What serde says of it quotes it.
        let malformed = |_| ExecError::Malformed("it is not a JSON object");
        let mut payload: Map<String, Value> = serde_json::from_str(payload).map_err(malformed)?;
        let mut member = |name: &str| {
            let value = payload.remove(name);
            value.ok_or_else(|| ExecError::Missing(name.to_owned()))
        };
        let Value::String(name) = member("__exec__")? else {
            return Err(ExecError::Malformed("__exec__ is not text"));
        };
        let name = plain_name(&name)
            .ok_or(ExecError::Malformed("__exec__ is not a function's name"))?
            .to_owned();
        let given = member(&name)?;
        let Some(function) = manifest.functions.get(&name) else {
            return Err(ExecError::Unknown {
                name,
                driver: manifest.generic_name.clone(),
            });
        };
        let arguments = by_name(&name, given, &function.parameters)?;
        if name == "request" {
            return Ok(Self::Request(request(arguments)?));
        }
        Ok(Self::Function {
            name,
            arguments: Value::from(arguments).to_string(),
        })
    }
}

/// The arguments of a function by name; those it does not know are let go.
fn by_name(
    name: &str,
    given: Value,
    parameters: &[Parameter],
) -> Result<Map<String, Value>, ExecError> {
    let mut given = match given {
        Value::Array(values) if values.len() > parameters.len() => {
            return Err(ExecError::TooMany {
                name: name.to_owned(),
                given: values.len(),
                expected: parameters.len(),
            });
        }
        Value::Array(values) => parameters
            .iter()
            .map(|parameter| parameter.name.clone())
            .zip(values)
            .collect(),
        Value::Object(given) => given,
        _ => Map::new(),
    };
    let mut arguments = Map::new();
    for parameter in parameters {
        let value = given.remove(&parameter.name);
        let value = value.or_else(|| parameter.default.clone());
        let value = value.ok_or_else(|| ExecError::Missing(parameter.name.clone()))?;
        arguments.insert(parameter.name.clone(), value);
    }
    Ok(arguments)
}

/// The webhook's arguments: verb, headers with a list of values each, body.
fn request(mut arguments: Map<String, Value>) -> Result<Webhook, ExecError> {
    let mut argument = |name| arguments.remove(name).unwrap_or_default();
    let Value::String(mut method) = argument("method") else {
        return Err(ExecError::Unreadable("method"));
    };
    method.make_ascii_uppercase();
    let Value::Object(given) = argument("headers") else {
        return Err(ExecError::Unreadable("headers"));
    };
    let mut headers = Vec::new();
    for (name, values) in given {
        let values = match values {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let Value::String(value) = value else {
                return Err(ExecError::Unreadable("headers"));
            };
            headers.push((name.clone(), value));
        }
    }
    let body = match argument("body") {
        Value::String(body) => body.into_bytes(),
        Value::Null => Vec::new(),
        _ => return Err(ExecError::Unreadable("body")),
    };
    Ok(Webhook {
        method,
        headers,
        body,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(payload: Value) -> Result<Call, ExecError> {
        Call::parse(&payload.to_string(), &Manifest::embedded())
    }

    fn error(payload: Value) -> ExecError {
        parse(payload).err().unwrap()
    }

    #[test]
    fn a_webhook_comes_with_or_without_names() {
        let headers =
            json!({"Host": ["a"], "Accept": ["b", "c"], "pos-query-params": ["secret=x"]});
        for arguments in [
            json!(["put", headers, "{}"]),
            json!({"body": "{}", "headers": headers, "method": "PUT", "other": 1}),
        ] {
            let Call::Request(request) =
                parse(json!({"__exec__": "request", "request": arguments}))
                    .ok()
                    .unwrap()
            else {
                panic!("not the webhook");
            };
            assert_eq!(
                (request.method.as_str(), request.body.as_slice()),
                ("PUT", &b"{}"[..])
            );
            let mut names: Vec<_> = request
                .headers
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            names.sort_unstable();
            assert_eq!(names, ["Accept", "Accept", "Host", "pos-query-params"]);
        }
    }

    #[test]
    fn another_function_gets_its_arguments_by_name() {
        let Call::Function { name, arguments } =
            parse(json!({"__exec__": "door_event", "door_event": ["{}"]}))
                .ok()
                .unwrap()
        else {
            panic!("no function");
        };
        assert_eq!(
            (name.as_str(), arguments.as_str()),
            ("door_event", r#"{"json":"{}"}"#)
        );
        // What has a default need not be given.
        let Call::Function { arguments, .. } =
            parse(json!({"__exec__": "deliveries", "deliveries": ["dead"]}))
                .ok()
                .unwrap()
        else {
            panic!("no function");
        };
        let arguments: Value = serde_json::from_str(&arguments).unwrap();
        assert_eq!(
            (
                &arguments["state"],
                &arguments["after"],
                &arguments["limit"]
            ),
            (&json!("dead"), &Value::Null, &json!(100))
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_the_known_words() {
        let text = |payload| error(payload).to_string();
        assert_eq!(text(json!({"a": 1})), r#"Missing hash key: "__exec__""#);
        assert_eq!(
            text(json!({"__exec__": "request"})),
            r#"Missing hash key: "request""#
        );
        assert_eq!(
            text(json!({"__exec__": "f", "f": {}})),
            "execute requested for unknown method: f on Rhombus"
        );
        assert_eq!(
            text(json!({"__exec__": "door_event", "door_event": [1, 2]})),
            r#"wrong number of arguments for '"door_event"' (given 2, expected 1)"#
        );
        assert_eq!(
            text(json!({"__exec__": "request", "request": ["GET"]})),
            r#"Missing hash key: "headers""#
        );
        let unreadable = json!({"__exec__": "request", "request": ["GET", {"a": [1]}, ""]});
        assert_eq!(error(unreadable).class(), "JSON::SerializableError");
        for payload in ["[", r#""hidden""#, r#"{"__exec__":"Hidden","Hidden":1}"#] {
            let error = Call::parse(payload, &Manifest::embedded()).err().unwrap();
            assert_eq!(error.class(), "JSON::ParseException");
            assert!(
                !error.to_string().to_lowercase().contains("hidden"),
                "{error}"
            );
        }
    }
}
