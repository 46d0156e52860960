//! What came, for people to read.

use std::fmt::Write;

use axum::http::HeaderMap;
use serde_json::Value;

use super::verify::{Finding, Findings};
use crate::escape::Escaped;

/// How much of a body that is no door event is shown, in characters.
const SHOWN: usize = 500;

/// A POST in a few lines, ending with a line break. Whatever is in it, no terminal is steered.
pub(super) fn describe(headers: &HeaderMap, body: &[u8], findings: Findings) -> String {
    let event = serde_json::from_slice(body).ok().and_then(event);
    let mut text = event.unwrap_or_else(|| unknown(body));
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok());
    let _ = writeln!(
        text,
        "    webhook-id             {}",
        Escaped(id.unwrap_or("none"))
    );
    let _ = writeln!(text, "    signature in the body  {}", say(findings.body));
    let _ = writeln!(text, "    webhook-signature      {}", say(findings.header));
    text
}

fn event(body: Value) -> Option<String> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(Escaped);
    let (time, action, door) = (text("timestamp")?, text("action")?, text("door_id")?);
    let mut line = format!("{time}  {action} at {door}");
    if let Some(name) = text("user_name") {
        let _ = write!(line, ", {name}");
    }
    if let Some(email) = text("user_email") {
        let _ = write!(line, " <{email}>");
    }
    if let Some(card) = text("card_id") {
        let _ = write!(line, ", card {card}");
    }
    Some(line + "\n")
}

fn unknown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let beginning: String = text.chars().take(SHOWN).collect();
    let size = body.len();
    format!("no door event, {size} bytes: {}\n", Escaped(&beginning))
}

fn say(finding: Finding) -> &'static str {
    match finding {
        Finding::Right => "right",
        Finding::Wrong => "WRONG",
        Finding::Missing => "MISSING",
        Finding::Unchecked => "there is one; to check it, give --secret",
        Finding::NotAsked => "none, and none was asked for",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(body: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "event-1".parse().unwrap());
        let findings = Findings {
            body: Finding::Right,
            header: Finding::Wrong,
        };
        describe(&headers, body.as_bytes(), findings)
    }

    const REST: &str = "    webhook-id             event-1\n    \
         signature in the body  right\n    \
         webhook-signature      WRONG\n";

    #[test]
    fn a_door_event_is_one_sentence_and_its_proof() {
        let text = described(
            r#"{"door_id":"lobby","timestamp":"2022-04-03T23:59:25Z","action":"granted",
                "card_id":"7","user_name":"Ann Example","user_email":"ann@example.org"}"#,
        );
        let sentence = "2022-04-03T23:59:25Z  granted at lobby, \
                        Ann Example <ann@example.org>, card 7\n";
        assert_eq!(text, sentence.to_owned() + REST);

        let text = described(
            r#"{"door_id":"lobby","timestamp":"2022-04-03T23:59:25Z","action":"tamper"}"#,
        );
        assert_eq!(
            text,
            "2022-04-03T23:59:25Z  tamper at lobby\n".to_owned() + REST
        );
    }

    #[test]
    fn anything_else_is_shown_as_it_came_but_harmless_and_not_for_ever() {
        let text = described("two\nlines\u{1b}[2J");
        let sentence = r"no door event, 13 bytes: two\nlines\u{1b}[2J";
        assert_eq!(text, format!("{sentence}\n{REST}"));
        assert!(described(&"x".repeat(100_000)).len() < 1_000);
        let forged = described(
            r#"{"door_id":"lobby\nall is well","timestamp":"2022-04-03T23:59:25Z","action":"x"}"#,
        );
        assert_eq!(forged.lines().count(), 4, "{forged}");
    }
}
