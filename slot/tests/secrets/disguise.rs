//! A fixture with secrets and paths in it that are not there by chance: what it says of `123456` or of
//! `/hook` could be found in any output.
//!
//! What is expected of it is changed with them: signatures are made anew, by the contract alone.

use std::collections::BTreeSet;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::needles::Needles;

/// The first segment of every path.
const TOKEN: &str = "pW3xT8kQz5vLm2Yc";
/// URLs from here on are about their length, and stay what they are.
const LONG_URL: usize = 1500;
/// Secrets from here on are about their length, and keep it.
const LONG_SECRET: usize = 64;

/// The fixture in disguise; what may be found nowhere is added to `needles`.
pub(crate) fn disguised(fixture: &Value, needles: &mut Needles) -> Value {
    let mut disguise = Disguise {
        known: BTreeSet::new(),
        needles,
    };
    let fixture = disguise.value(None, fixture);
    let known = disguise.known;
    signed_anew(&known, fixture)
}

struct Disguise<'a> {
    /// Secrets as the fixture had them.
    known: BTreeSet<String>,
    needles: &'a mut Needles,
}

impl Disguise<'_> {
    fn value(&mut self, name: Option<&str>, value: &Value) -> Value {
        match value {
            Value::Array(all) => all.iter().map(|one| self.value(name, one)).collect(),
            Value::Object(all) => {
                let members = all
                    .iter()
                    .map(|(name, one)| (self.text(name), self.value(Some(name), one)));
                let mut members: Map<_, _> = members.collect();
                told_where(all, &mut members);
                Value::Object(members)
            }
            Value::String(text) if name == Some("secret") => self.secret(text).into(),
            Value::String(text) => self.text(text).into(),
            Value::Number(number) if name == Some("secret") => {
                serde_json::from_str(&self.secret(&number.to_string())).unwrap()
            }
            other => other.clone(),
        }
    }

    /// Any text, which may be a URL, or JSON of a body that is malformed.
    fn text(&mut self, text: &str) -> String {
        let text = self.secrets_in(text);
        self.paths_in(&text)
    }

    fn secret(&mut self, original: &str) -> String {
        if original.trim().is_empty() {
            return original.to_owned();
        }
        let secret = secret(original);
        self.known.insert(original.to_owned());
        self.needles.add(secret.trim());
        secret
    }

    /// Behind each `"secret":`, also where the JSON around it is broken.
    fn secrets_in(&mut self, text: &str) -> String {
        const NAME: &str = "\"secret\"";
        let mut changed = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(NAME) {
            let (before, after) = rest.split_at(at + NAME.len());
            changed.push_str(before);
            rest = after;
            let start = after.len() - after.trim_start_matches([' ', ':', '"']).len();
            let length = after[start..]
                .find(['"', ',', '}', '['])
                .unwrap_or(after.len() - start);
            let is_text = after[..start].contains('"');
            let is_number = after[start..].starts_with(|first: char| first.is_ascii_digit());
            if length > 0 && (is_text || is_number) {
                changed.push_str(&after[..start]);
                changed.push_str(&self.secret(&after[start..start + length]));
                rest = &after[start + length..];
            }
        }
        changed + rest
    }

    /// Behind the host of each URL, however its slashes are written.
    fn paths_in(&mut self, text: &str) -> String {
        let mut changed = String::new();
        let mut rest = text;
        while let Some(at) = scheme_in(rest) {
            let authority = rest[at..].trim_start_matches(['/', '\\']);
            let authority = rest.len() - authority.len();
            let is_end = |c: char| "/\\?#\"' \n".contains(c);
            let path = rest[authority..]
                .find(is_end)
                .map_or(rest.len(), |length| authority + length);
            let end = rest[path..]
                .find(['"', '\'', ' '])
                .map_or(rest.len(), |length| path + length);
            let (before, after) = rest.split_at(path);
            let (path, after) = after.split_at(end - path);
            changed.push_str(before);
            changed.push_str(&self.path(path));
            rest = after;
        }
        changed + rest
    }

    fn path(&mut self, path: &str) -> String {
        let Some(first) = path.strip_prefix(['/', '\\']) else {
            return path.to_owned();
        };
        // Nothing to hide, or hidden.
        if first.is_empty() || first.starts_with('…') {
            return path.to_owned();
        }
        if path.len() >= LONG_URL {
            self.needles.add(first);
            return path.to_owned();
        }
        self.needles.add(&format!("{TOKEN}/{first}"));
        format!("{}{TOKEN}/{first}", &path[..1])
    }
}

/// An answer that tells at which column a body is wrong tells another one, if the body is longer before it.
fn told_where(before: &Map<String, Value>, step: &mut Map<String, Value>) {
    let wrong_at = |step: &Map<String, Value>| {
        let body = step.get("body").and_then(Value::as_str)?;
        let wrong = serde_json::from_str::<Value>(body).err()?;
        Some(wrong.column())
    };
    let (Some(old), Some(new)) = (wrong_at(before), wrong_at(step)) else {
        return;
    };
    let expected = step.get_mut("expect").and_then(Value::as_object_mut);
    let body = expected.and_then(|expected| expected.get_mut("body"));
    if let Some(error) = body.and_then(|body| body.get_mut("error"))
        && let Some((told, column)) = error.as_str().unwrap().split_once("column ")
    {
        let column: usize = column.parse().unwrap();
        *error = format!("{told}column {}", column + new - old).into();
    }
}

/// Where the first `http:` or `https:` of a text ends.
fn scheme_in(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let ends = ["http:", "https:"].map(|scheme| lower.find(scheme).map(|at| at + scheme.len()));
    ends.into_iter().flatten().min()
}

/// As much like the original as it can be: a number, `whsec_` and Base64, blanks around, as long.
fn secret(original: &str) -> String {
    let digest = Sha256::digest(original);
    let token = BASE64_URL_SAFE_NO_PAD.encode(&digest[..12]);
    let body = original.trim_start();
    let blanks = &original[..original.len() - body.len()];
    if body
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        // Other digits, but for the last one, and more of them.
        let mut digits = digest.iter().map(|byte| char::from(b'1' + byte % 9));
        let before: String = digits.by_ref().take(12).collect();
        let last = body.len() - 1;
        let own = body.chars().enumerate().map(|(at, one)| match one {
            '0'..='9' if at < last => digits.next().unwrap_or('7'),
            one => one,
        });
        return before + &own.collect::<String>();
    }
    if let Some(encoded) = body.strip_prefix("whsec_") {
        if decoded(encoded).is_some() {
            // Whole blocks before it leave it its padding, or the lack of it.
            return format!("whsec_{}{encoded}", BASE64_STANDARD.encode(&digest[..12]));
        }
        return format!("{original}{token}");
    }
    if body.len() > LONG_SECRET {
        return format!("{token}{}", &original[token.len()..]);
    }
    if body.is_ascii() {
        // Not its words, which are in what the fixture is about too.
        let end = &body[body.trim_end().len()..];
        return format!("{blanks}{token}{end}");
    }
    format!("{blanks}{token}{body}")
}

/// Has each POST that is expected signed with the secret that is now in the place of the one it was
/// signed with.
fn signed_anew(known: &BTreeSet<String>, value: Value) -> Value {
    match value {
        Value::Array(all) => all.into_iter().map(|one| signed_anew(known, one)).collect(),
        Value::Object(mut all) => {
            if all.contains_key("url") && all.contains_key("body") {
                sign_anew(known, &mut all);
            }
            let members = all.into_iter();
            Value::Object(
                members
                    .map(|(name, one)| (name, signed_anew(known, one)))
                    .collect(),
            )
        }
        other => other,
    }
}

fn sign_anew(known: &BTreeSet<String>, post: &mut Map<String, Value>) {
    let Some(signature) = post["body"].get("signature").cloned() else {
        return;
    };
    let timestamp = post["body"]["timestamp"].as_str().unwrap().to_owned();
    let original = known
        .iter()
        .find(|secret| hex::encode(hmac(secret.as_bytes(), &timestamp)) == signature)
        .unwrap_or_else(|| panic!("no secret of the fixture makes the signature {signature}"));
    let secret = secret(original);
    post["body"]["signature"] = hex::encode(hmac(secret.as_bytes(), &timestamp)).into();
    let body = post["body"].to_string();
    let Some(headers) = post.get_mut("headers").and_then(Value::as_object_mut) else {
        return;
    };
    if headers.contains_key("webhook-signature") {
        let header = |name: &str| headers[name].as_str().unwrap();
        let signed = format!(
            "{}.{}.{body}",
            header("webhook-id"),
            header("webhook-timestamp")
        );
        let key = secret.strip_prefix("whsec_");
        let key = key.and_then(decoded);
        let mac = hmac(&key.unwrap_or(secret.into_bytes()), &signed);
        let signature = format!("v1,{}", BASE64_STANDARD.encode(mac));
        headers.insert("webhook-signature".to_owned(), signature.into());
    }
}

/// What the Base64 of a `whsec_` secret stands for, as receivers' libraries read it; nothing if they do not.
fn decoded(encoded: &str) -> Option<Vec<u8>> {
    let config = NO_PAD.with_decode_allow_trailing_bits(true);
    let key = GeneralPurpose::new(&STANDARD, config)
        .decode(encoded.trim_end_matches('='))
        .ok()?;
    (!key.is_empty()).then_some(key)
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
