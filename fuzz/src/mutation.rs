//! Changes to an input that is a JSON document: to what it says, not to its bytes.
//!
//! libFuzzer's own changes still come, to whole inputs and to single texts: it knows what the code has
//! compared with.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::document::CANARY;

/// libFuzzer's changes to bytes: a buffer, how much of it is used, and how much may be; answers how much
/// is used then.
type Bytes = fn(&mut [u8], usize, usize) -> usize;

/// Changes the first `size` bytes of `data`, which may become `most`; answers how many there are then. The
/// signature is that of libFuzzer's custom mutators.
pub fn mutate(data: &mut [u8], size: usize, most: usize, seed: u32, bytes: Bytes) -> usize {
    let mut random = Rng::with_seed(seed.into());
    let document = match serde_json::from_slice::<Map<String, Value>>(&data[..size]) {
        // A few inputs must stay that are no documents, or are written as nobody writes them.
        Ok(document) if random.u8(..) >= 24 => document,
        _ => return bytes(data, size, most),
    };
    let mut document = Value::Object(document);
    for _ in 0..random.u8(1..=3) {
        change(&mut document, &mut random, bytes);
    }
    let text = document.to_string();
    match data.get_mut(..text.len()) {
        Some(place) if text.len() <= most => {
            place.copy_from_slice(text.as_bytes());
            text.len()
        }
        // It has grown too long.
        _ => bytes(data, size, most),
    }
}

/// Changes one value somewhere in `document`.
fn change(document: &mut Value, random: &mut Rng, bytes: Bytes) {
    let places = places(document);
    let any = |random: &mut Rng| places[random.usize(..places.len())].clone();
    let other = document.pointer(&any(random)).cloned();
    let place = any(random);
    let Some(value) = document.pointer_mut(&place) else {
        return;
    };
    match (random.u8(..10), value) {
        (0 | 1, Value::Object(members)) => change_members(members, other, random),
        (0 | 1, Value::Array(items)) => change_items(items, other, random),
        (2..=4, Value::Object(members)) => change_members(members, None, random),
        (2..=4, Value::Array(items)) => change_items(items, None, random),
        (0..=3, Value::String(text)) => *text = changed_text(text, random, bytes),
        (4, Value::String(text)) => {
            if let Ok(inner) = serde_json::from_str(text) {
                *document = replaced(document, &place, inner);
            }
        }
        (0..=4, Value::Number(number)) => {
            let number = number.as_i64().unwrap_or_default();
            let near = [
                number.saturating_add(1),
                number.saturating_sub(1),
                number.saturating_mul(1000),
                number.saturating_neg(),
                number / 2,
            ];
            *document = replaced(document, &place, near[random.usize(..near.len())].into());
        }
        (5, value) => *value = Value::String(value.to_string()),
        (6, value) => *value = other.unwrap_or_default(),
        // Not the document itself: all would be gone.
        (_, value) if !place.is_empty() => *value = word(random),
        _ => {}
    }
}

fn replaced(document: &Value, place: &str, by: Value) -> Value {
    let mut document = document.clone();
    if let Some(value) = document.pointer_mut(place) {
        *value = by;
    }
    document
}

fn change_members(members: &mut Map<String, Value>, other: Option<Value>, random: &mut Rng) {
    let names: Vec<String> = members.keys().cloned().collect();
    let some = (!names.is_empty()).then(|| names[random.usize(..names.len())].clone());
    match (some, other, random.u8(..4)) {
        (Some(name), _, 0) => drop(members.remove(&name)),
        (Some(name), _, 1) => {
            let value = members.remove(&name).unwrap_or_default();
            members.insert(NAMES[random.usize(..NAMES.len())].to_owned(), value);
        }
        (_, other, _) => {
            let name = NAMES[random.usize(..NAMES.len())].to_owned();
            members.insert(name, other.unwrap_or_else(|| word(random)));
        }
    }
}

fn change_items(items: &mut Vec<Value>, other: Option<Value>, random: &mut Rng) {
    let at = random.usize(..=items.len());
    match (items.get(at).cloned(), other, random.u8(..4)) {
        (Some(_), _, 0) => drop(items.remove(at)),
        (Some(_), _, 1) => {
            let with = random.usize(..items.len());
            items.swap(at, with);
        }
        (Some(item), _, 2) => items.insert(random.usize(..=items.len()), item),
        (_, other, _) => items.insert(at, other.unwrap_or_else(|| word(random))),
    }
}

/// By libFuzzer, or by a word that matters put into it.
fn changed_text(text: &str, random: &mut Rng, bytes: Bytes) -> String {
    if random.bool() {
        let mut buffer = text.as_bytes().to_vec();
        let most = buffer.len() + 16;
        buffer.resize(most, 0);
        let size = bytes(&mut buffer, text.len(), most);
        buffer.truncate(size);
        return String::from_utf8_lossy(&buffer).into_owned();
    }
    let place = |random: &mut Rng| {
        let mut at = random.usize(..=text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (one, two) = (place(random), place(random));
    let (from, to) = (one.min(two), one.max(two));
    let part = PARTS[random.usize(..PARTS.len())];
    match random.u8(..4) {
        0 => format!("{}{part}{}", &text[..from], &text[from..]),
        1 => format!("{}{part}{}", &text[..from], &text[to..]),
        2 => format!("{}{}", &text[..from], &text[to..]),
        // Many times itself: for limits.
        _ => text.repeat(1 << random.u8(1..=8).min(if text.len() > 64 { 2 } else { 8 })),
    }
}

/// JSON pointers to all values of `document`.
fn places(document: &Value) -> Vec<String> {
    fn collect(value: &Value, place: &str, places: &mut Vec<String>) {
        places.push(place.to_owned());
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    collect(item, &format!("{place}/{index}"), places);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    collect(member, &format!("{place}/{name}"), places);
                }
            }
            _ => {}
        }
    }
    let mut places = Vec::new();
    collect(document, "", &mut places);
    places
}

/// A value that makes a difference somewhere.
fn word(random: &mut Rng) -> Value {
    match random.u8(..16) {
        0 => Value::Null,
        1 => random.bool().into(),
        2 => json!({}),
        3 => json!([]),
        4 => NUMBERS[random.usize(..NUMBERS.len())].into(),
        5 => serde_json::from_str("1e400").unwrap_or_default(),
        6 => json!(0.5),
        7 => CANARY.into(),
        8 => json!({"webhook": TEXTS[random.usize(..TEXTS.len())], "secret": CANARY}),
        _ => TEXTS[random.usize(..TEXTS.len())].into(),
    }
}

const NUMBERS: [i64; 16] = [
    0,
    1,
    -1,
    2,
    7,
    60,
    365,
    366,
    3600,
    100_000_000_000,
    1_767_225_600_000,
    253_402_300_799,
    253_402_300_800,
    u32::MAX as i64,
    i64::MAX,
    i64::MIN,
];

/// Names of members that are read somewhere.
const NAMES: [&str; 56] = [
    "webhook",
    "secret",
    "door_id",
    "method",
    "headers",
    "body",
    "bytes",
    "caller",
    "action",
    "timestamp",
    "card_id",
    "user_name",
    "user_email",
    "security_system",
    "module_id",
    "subscriptions",
    "saved_subscriptions",
    "allowed_hosts",
    "retention_days",
    "contract",
    "organization_id",
    "rev",
    "list",
    "removed",
    "id",
    "cmd",
    "seq",
    "reply",
    "code",
    "payload",
    "error",
    "user_id",
    "__exec__",
    "request",
    "v",
    "key",
    "posted",
    "event_id",
    "event",
    "attempts",
    "unwelcome",
    "next",
    "first_failed",
    "last_failed",
    "pause",
    "failures",
    "gone",
    "paused_for",
    "healthy_at",
    "is_disabled",
    "why",
    "at",
    "reason",
    "control_system",
    "settings",
    "notes",
];

/// Whole texts that make a difference somewhere.
const TEXTS: [&str; 48] = [
    "",
    " ",
    "lobby",
    "vault",
    "loading-dock",
    "POST",
    "DELETE",
    "GET",
    "PUT",
    "PATCH",
    "granted",
    "Request-To-Exit",
    "granted_",
    "2026-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "1969-12-31T23:59:59-00:01",
    "1767225600",
    "1767225600.5",
    "-0",
    "1e10",
    "NaN",
    "inf",
    "https://webhooks.rhombussystems.com/c4n4ry7b31",
    "HTTPS://Webhooks.RhombusSystems.com:443/c4n4ry7b31?q#f",
    "https://user:c4n4ry7b31@webhooks.rhombussystems.com/",
    "http://webhooks.rhombussystems.com/",
    "https://a.rhombussystems.com/",
    "https://rhombussystems.com./",
    "http://10.0.0.5/c4n4ry7b31",
    "https://[::ffff:10.0.0.5]:8443/",
    "https://0x7f.1/",
    "mailto:a@example.org",
    "*.rhombussystems.com",
    "webhooks.rhombussystems.com",
    "10.0.0.0/8",
    "fd00::/8",
    "::1",
    "127.0.0.1",
    "http://relay.example:8080",
    "document",
    "deployed",
    "exec",
    "start",
    "whsec_c2VjcmV0",
    "00000000000000001",
    "01767225600000001",
    "99999999999999999",
    "Thu, 01 Jan 2026 00:02:00 GMT",
];

/// Parts of texts that make a difference somewhere.
const PARTS: [&str; 32] = [
    "/",
    ":",
    "@",
    "*.",
    ".",
    "..",
    "%",
    "%2e",
    "#",
    "?",
    "\\",
    "[",
    "]",
    "\0",
    "\n",
    "\t",
    "\u{e9}",
    "\u{3002}",
    "\u{200d}",
    "xn--",
    "https://",
    "http://",
    "0x",
    "-",
    "_",
    "+",
    ",",
    "\"",
    "{",
    "}",
    "c4n4ry7b31",
    "0",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_stays_one_and_no_seed_leaves_the_buffer() {
        let document = br#"{"a":[1,"two",{"three":null}],"b/c~d":"{\"inner\":true}"}"#;
        let mut changed = 0;
        let mut own = 0;
        for seed in 0..5000 {
            let mut data = document.to_vec();
            data.resize(4096, 0);
            let size = mutate(&mut data, document.len(), 4096, seed, |_, size, _| size);
            assert!(size <= data.len());
            let after: Value = serde_json::from_slice(&data[..size]).unwrap();
            own += usize::from(after.is_object());
            changed += usize::from(data[..size] != document[..]);
        }
        assert!(own > 4500 && changed > 4000, "{own} and {changed}");
    }

    #[test]
    fn what_is_no_document_is_left_to_libfuzzer() {
        let mut data = *b"GET /";
        let size = mutate(&mut data, 5, 5, 1, |data, _, _| {
            data[0] = b'P';
            3
        });
        assert_eq!(&data[..size], b"PET");
    }
}
