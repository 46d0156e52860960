//! JSONTestSuite: what a parser of JSON must accept, must reject, and may do as it likes.
//!
//! A door event and a body of the webhook are JSON, and whoever sends them chooses every byte. Each case
//! is given to a module in all places where JSON is taken: as the whole of it, and as a member that
//! nobody knows of a request or event that is otherwise good.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use rhombus_replay::{Call, Outcome, Stage, World};
use serde::Deserialize;
use serde_json::json;

use crate::Count;
use crate::not_utf8::NOT_UTF8;

/// A case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    name: String,
    input: String,
    verdict: Verdict,
}

/// What must become of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Accept,
    Reject,
    /// A parser may do the one or the other, but nothing else.
    Either,
}

/// Where a module takes JSON from whoever sends it.
struct Place {
    /// The method of a request; none for a door event.
    verb: Option<&'static str>,
    /// What is taken there.
    good: &'static str,
    /// What is answered to it.
    taken: &'static str,
    /// What is answered to that which is not JSON, or not what is asked for.
    refused: &'static str,
}

const WEBHOOK: &str = r#"{"webhook":"https://receiver.example/hook"}"#;

/// In this order the webhook is subscribed again after each that has removed it.
const PLACES: [Place; 6] = [
    Place {
        verb: Some("DELETE"),
        good: WEBHOOK,
        taken: "202",
        refused: "400",
    },
    Place {
        verb: Some("POST"),
        good: WEBHOOK,
        taken: "201",
        refused: "400",
    },
    Place {
        verb: Some("PUT"),
        good: r#"{"door_id":"lobby"}"#,
        taken: "200",
        refused: "400",
    },
    // The body is not looked at by this one, nor by the next, which the webhook does not know.
    Place {
        verb: Some("GET"),
        good: WEBHOOK,
        taken: "200",
        refused: "200",
    },
    Place {
        verb: Some("PATCH"),
        good: WEBHOOK,
        taken: "405",
        refused: "405",
    },
    Place {
        verb: None,
        good: r#"{"door_id":"lobby","action":"granted"}"#,
        taken: "accepted",
        refused: "rejected",
    },
];

/// Between two cases, in milliseconds: a door may be unlocked that often, and what was attempted is
/// written.
const PAUSE: u64 = 3_000;

/// All cases, as the package of npm has them that is in the folder `tests/npm` of the repository.
///
/// # Errors
///
/// Node or the package is missing.
pub fn cases(repository: &Path) -> io::Result<Vec<Case>> {
    let printed = Command::new("node")
        .arg(repository.join("tests/npm/json-cases.mjs"))
        .stderr(Stdio::inherit())
        .output()?;
    if !printed.status.success() {
        let how = "JSONTestSuite is not here; run: cargo xtask setup";
        return Err(io::Error::other(how));
    }
    Ok(serde_json::from_slice(&printed.stdout)?)
}

/// The settings of a module that is to be judged.
pub const SETTINGS: &str = r#"{"allowed_hosts":["receiver.example"]}"#;

/// The world of a module that is to be judged: one security system with the door that is asked for.
///
/// # Panics
///
/// Never: what it reads is written here.
pub fn world() -> World {
    let systems = json!({ "main": { "doors": [{ "id": "lobby" }] } });
    World::new(serde_json::from_value(systems).expect("a world is written so"))
}

/// Gives every case to the module on `stage`, which is loaded over `world`, at every place. In the end the
/// module must still take what is good.
pub async fn run(stage: &mut impl Stage, world: &World, cases: &[Case]) -> Count {
    let mut judge = Judge {
        stage,
        world,
        count: Count::default(),
    };
    judge.subscribe().await;
    for case in cases {
        judge.case(case).await;
    }
    for (name, bytes) in NOT_UTF8 {
        judge.not_utf8(name, bytes).await;
    }
    judge.good().await;
    judge.count
}

struct Judge<'a, S> {
    stage: &'a mut S,
    world: &'a World,
    count: Count,
}

impl<S: Stage> Judge<'_, S> {
    async fn case(&mut self, case: &Case) {
        let input = case.input.as_bytes();
        for place in &PLACES {
            // Whatever JSON it is, it is not what is asked for.
            let whole = format!("{}, whole", case.name);
            self.give(place, &whole, input, Verdict::Reject).await;
        }
        // Nothing that must be rejected becomes JSON by what is around it: one that did would be seen here.
        for place in &PLACES {
            let member = format!("{}, as a member", case.name);
            let sent = with_member(place.good, input);
            self.give(place, &member, &sent, case.verdict).await;
        }
        self.pause().await;
    }

    /// A module takes an event as text, so only bodies can be of such bytes; of events a gateway refuses them.
    async fn not_utf8(&mut self, name: &str, bytes: &[u8]) {
        for place in PLACES.iter().filter(|place| place.verb.is_some()) {
            let whole = format!("{name}, whole");
            self.give(place, &whole, bytes, Verdict::Reject).await;
            let text = format!("{name}, in a text");
            let sent = with_member(place.good, &[b"\"", bytes, b"\""].concat());
            self.give(place, &text, &sent, Verdict::Reject).await;
        }
        self.pause().await;
    }

    async fn good(&mut self) {
        for place in &PLACES {
            let sent = place.good.as_bytes();
            self.give(place, "what is good", sent, Verdict::Accept)
                .await;
        }
        self.pause().await;
    }

    /// So that there is something to delete, and somebody to tell of events.
    async fn subscribe(&mut self) {
        for place in PLACES.iter().filter(|place| place.verb == Some("POST")) {
            let sent = place.good.as_bytes();
            self.give(place, "what is good", sent, Verdict::Accept)
                .await;
        }
    }

    async fn give(&mut self, place: &Place, name: &str, sent: &[u8], verdict: Verdict) {
        let came = match place.verb {
            Some(verb) => self.request(verb, sent).await,
            None => self.event(sent).await,
        };
        let is_right = match verdict {
            Verdict::Accept => came == place.taken,
            Verdict::Reject => came == place.refused,
            Verdict::Either => came == place.taken || came == place.refused,
        };
        self.count.add(if is_right {
            Ok(())
        } else {
            let place = place.verb.unwrap_or("event");
            Err(format!("{name}, {place}: {came} ({verdict:?})"))
        });
    }

    async fn request(&mut self, verb: &str, body: &[u8]) -> String {
        let request = Call::Request {
            caller: None,
            method: verb.to_owned(),
            headers: Vec::new(),
            body: body.to_owned(),
        };
        match self.call(request).await {
            Some(Outcome::Response(response)) => response.status.to_string(),
            other => format!("{other:?}"),
        }
    }

    async fn event(&mut self, event: &[u8]) -> String {
        let event = Call::Event {
            event: String::from_utf8(event.to_owned()).expect("a case is text"),
            id: None,
        };
        match self.call(event).await {
            // Why one is rejected is told behind a colon, and is of no interest here.
            Some(Outcome::Event(came)) => came.split(':').next().unwrap_or_default().to_owned(),
            other => format!("{other:?}"),
        }
    }

    async fn call(&mut self, call: Call) -> Option<Outcome> {
        let ticket = self.stage.begin(call, false);
        self.stage.settle().await;
        self.stage.outcome(ticket)
    }

    async fn pause(&mut self) {
        let until = self.world.elapsed() + PAUSE;
        while self.world.advance_to(until) {
            self.stage.settle().await;
        }
    }
}

/// A JSON object with one more member, `x`, whose value is `value`, whatever that is.
fn with_member(object: &str, value: &[u8]) -> Vec<u8> {
    let open = object.strip_suffix('}').unwrap_or(object);
    [open.as_bytes(), br#","x":"#, value, b"}"].concat()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use rhombus_replay::{Response, Ticket};

    use super::*;

    /// A module that answers everything in one way.
    struct Indifferent(u16, &'static str, bool);

    impl Stage for Indifferent {
        async fn load(&mut self, _settings: &str) -> Result<(), String> {
            Ok(())
        }

        fn begin(&mut self, call: Call, _without_time: bool) -> Ticket {
            self.2 = matches!(call, Call::Event { .. });
            0
        }

        async fn settle(&mut self) {}

        fn outcome(&mut self, _ticket: Ticket) -> Option<Outcome> {
            Some(if self.2 {
                Outcome::Event(self.1.to_owned())
            } else {
                Outcome::Response(Response {
                    status: self.0,
                    headers: Vec::new(),
                    body: String::new(),
                })
            })
        }
    }

    fn failures(verdict: Verdict, mut module: Indifferent) -> String {
        let case = Case {
            name: "a case".to_owned(),
            input: "[]".to_owned(),
            verdict,
        };
        let (world, cases) = (world(), [case]);
        let judged = pin!(run(&mut module, &world, &cases));
        match judged.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(count) => count.line("json").unwrap_err(),
            Poll::Pending => unreachable!("nothing waits"),
        }
    }

    #[test]
    fn each_wrong_answer_is_a_failure() {
        let fails = failures(Verdict::Either, Indifferent(500, "unsaved", false));
        for verb in ["DELETE", "POST", "PUT", "GET", "PATCH"] {
            let told = format!("a case, as a member, {verb}: 500 (Either)");
            assert!(fails.contains(&told), "{fails}");
        }
        let told = "a case, whole, event: unsaved (Reject)";
        assert!(fails.contains(told), "{fails}");
    }

    #[test]
    fn who_takes_or_refuses_everything_fails_what_is_otherwise() {
        let takes = failures(Verdict::Reject, Indifferent(201, "accepted", false));
        assert!(takes.contains("a case, as a member, POST: 201 (Reject)"));
        assert!(takes.contains("a case, whole, event: accepted (Reject)"));
        let refuses = failures(Verdict::Accept, Indifferent(400, "rejected: why", false));
        assert!(refuses.contains("a case, as a member, POST: 400 (Accept)"));
        assert!(refuses.contains("a case, as a member, event: rejected (Accept)"));
        assert!(!refuses.contains("a case, whole, POST"));
    }

    #[test]
    fn a_case_becomes_a_member() {
        assert_eq!(with_member(r#"{"a":1}"#, b"[2]"), br#"{"a":1,"x":[2]}"#);
    }
}
