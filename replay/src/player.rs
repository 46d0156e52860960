//! Takes the steps of a fixture, and holds what comes of each against what must.

use std::fmt;

use serde_json::Value;

use crate::fixture::{Answer, EventStep, Expected, Fixture, RequestStep, Step, text};
use crate::stage::{Call, Outcome, Response, Stage, Ticket};
use crate::world::World;

/// What a scenario shows to be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step, counted from 1; 0 is the loading.
    pub step: usize,
    /// What was expected, and what came.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}", self.step, self.message)
    }
}

impl std::error::Error for Failure {}

/// Plays `fixture` on `stage`, which runs over `world`. Each step that went well is told to `report`.
pub async fn play(
    fixture: &Fixture,
    world: &World,
    stage: &mut impl Stage,
    mut report: impl FnMut(usize, &str),
) -> Result<(), Failure> {
    let mut player = Player {
        world,
        stage,
        settings: text(&fixture.settings),
    };
    let loaded = player.stage.load(&player.settings).await;
    loaded.map_err(|why| Failure {
        step: 0,
        message: format!("the module does not load: {why}"),
    })?;
    player.stage.settle().await;
    for (index, step) in fixture.steps.iter().enumerate() {
        let told = player.step(step).await.map_err(|message| Failure {
            step: index + 1,
            message,
        })?;
        report(index + 1, &told);
    }
    Ok(())
}

struct Player<'a, S> {
    world: &'a World,
    stage: &'a mut S,
    settings: String,
}

/// A call that was begun, and what must come of it.
struct Begun<'a> {
    ticket: Ticket,
    expected: Wanted<'a>,
    /// When it is answered and not before, in the world's milliseconds.
    due: u64,
}

enum Wanted<'a> {
    Response(&'a Expected),
    Event(&'a str),
    Function(&'a Value),
    Updated,
}

type Told = Result<String, String>;

impl<S: Stage> Player<'_, S> {
    async fn step(&mut self, step: &Step) -> Told {
        match step {
            Step::Request(request) => self.request(request).await,
            Step::Event(event) => self.event(event).await,
            Step::Call {
                function,
                arguments,
                expect,
                posts,
            } => {
                let begun = self.begin_function(function, arguments, expect);
                self.finish(vec![begun]).await?;
                self.effects(posts, &[])?;
                Ok(format!("{function} answered"))
            }
            Step::Update {
                settings,
                after_ms,
                posts,
            } => {
                let begun = self.begin_update(settings, *after_ms);
                self.finish(vec![begun]).await?;
                self.effects(posts, &[])?;
                Ok("update".to_owned())
            }
            Step::Together {
                steps,
                posts,
                unlocks,
            } => {
                let begun = self.begin_all(steps).await?;
                let told = format!("{} calls together", begun.len());
                self.finish(begun).await?;
                self.effects(posts, unlocks)?;
                Ok(told)
            }
            Step::Advance { ms, posts } => {
                self.advance(*ms).await;
                self.effects(posts, &[])?;
                Ok(format!("{ms} ms later"))
            }
            Step::Restart {
                settings,
                refused,
                posts,
            } => {
                if let Some(settings) = settings {
                    self.settings = text(settings);
                }
                let loaded = self.stage.load(&self.settings).await;
                match (loaded, refused) {
                    (Ok(()), None) => {}
                    (Err(why), Some(text)) if why.contains(text) => {
                        return Ok(format!("restart refused: {why}"));
                    }
                    (loaded, _) => {
                        return Err(format!("loading came to {loaded:?}, expected {refused:?}"));
                    }
                }
                self.stage.settle().await;
                self.effects(posts, &[])?;
                Ok("restart".to_owned())
            }
            Step::LoseStore { settings } => self.lose_store(settings.as_ref()).await,
            Step::World { .. } => {
                self.change_world(step);
                Ok("the world changes".to_owned())
            }
            Step::Status { expect } => {
                for (key, value) in expect {
                    let shown = self.world.status(key);
                    same_json(&format!("status {key}"), shown.as_deref(), value)?;
                }
                Ok("status".to_owned())
            }
            Step::Saved { expect } => {
                let saved = self.world.take_newly_saved();
                for (name, value) in expect {
                    let saved = saved.get(name).map(String::as_str);
                    same_json(&format!("setting {name}"), saved, value)?;
                }
                Ok("saved settings".to_owned())
            }
            Step::Store { expect } => {
                for (prefix, count) in expect {
                    same(
                        &format!("records {prefix}"),
                        &self.world.count(prefix),
                        count,
                    )?;
                }
                Ok("store".to_owned())
            }
        }
    }

    async fn request(&mut self, step: &RequestStep) -> Told {
        for _ in 0..step.times {
            let commits = self.world.commits();
            let begun = self.begin_request(step)?;
            self.finish(vec![begun]).await?;
            self.writes(step.writes, commits)?;
            self.effects(&step.posts, &step.unlocks)?;
        }
        Ok(format!("{} answered {}", step.method, step.expect.status))
    }

    async fn event(&mut self, step: &EventStep) -> Told {
        let commits = self.world.commits();
        let begun = self.begin_event(step);
        self.finish(vec![begun]).await?;
        self.writes(step.writes, commits)?;
        self.effects(&step.posts, &[])?;
        Ok(format!("event {}", step.expect))
    }

    async fn lose_store(&mut self, settings: Option<&Value>) -> Told {
        self.world.lose_store();
        self.settings = match settings {
            Some(settings) => text(settings),
            None => {
                let mut settings = parse(&self.settings);
                let name = "saved_subscriptions";
                settings[name] = self
                    .world
                    .saved(name)
                    .map_or(Value::Null, |json| parse(&json));
                settings.to_string()
            }
        };
        self.stage
            .load(&self.settings)
            .await
            .map_err(|why| format!("the module does not load: {why}"))?;
        self.stage.settle().await;
        self.effects(&[], &[])?;
        Ok("the store is lost".to_owned())
    }

    fn change_world(&mut self, step: &Step) {
        let Step::World {
            storage,
            receivers,
            systems,
            map_fails,
            refuse,
            clock_jump_ms,
            records,
        } = step
        else {
            return;
        };
        let world = self.world;
        if let Some(mode) = storage {
            world.set_storage(*mode);
        }
        if let Some(systems) = systems {
            world.set_systems(systems);
        }
        if let Some(fails) = map_fails {
            world.set_map_fails(*fails);
        }
        if let Some(ms) = clock_jump_ms {
            world.jump_clock(*ms);
        }
        world.set_receivers(receivers);
        world.refuse(refuse);
        world.put_records(records);
    }

    async fn begin_all<'s>(&mut self, steps: &'s [Step]) -> Result<Vec<Begun<'s>>, String> {
        let mut begun = Vec::new();
        for step in steps {
            let is_told_elsewhere = match step {
                Step::Request(request) => {
                    begun.push(self.begin_request(request)?);
                    request.posts.is_empty()
                        && request.unlocks.is_empty()
                        && request.writes.is_none()
                }
                Step::Event(event) => {
                    begun.push(self.begin_event(event));
                    event.posts.is_empty() && event.writes.is_none()
                }
                Step::Update {
                    settings,
                    after_ms,
                    posts,
                } => {
                    begun.push(self.begin_update(settings, *after_ms));
                    posts.is_empty()
                }
                Step::Advance { ms, posts } => {
                    self.stage.settle().await;
                    self.advance(*ms).await;
                    posts.is_empty()
                }
                Step::World { .. } => {
                    self.change_world(step);
                    true
                }
                _ => return Err("only calls can happen together".to_owned()),
            };
            if !is_told_elsewhere {
                return Err("what comes of calls together is told of all of them".to_owned());
            }
        }
        Ok(begun)
    }

    fn begin_request<'s>(&mut self, step: &'s RequestStep) -> Result<Begun<'s>, String> {
        let body = match (&step.body, &step.bytes) {
            (None, None) => Vec::new(),
            (Some(body), None) => text(body).into_bytes(),
            (None, Some(bytes)) => from_hex(bytes).ok_or("bytes is not hexadecimal")?,
            (Some(_), Some(_)) => return Err("a request has a body or bytes, not both".to_owned()),
        };
        let call = Call::Request {
            caller: step.caller.clone(),
            method: step.method.clone(),
            headers: step.headers.clone().into_iter().collect(),
            body,
        };
        let ticket = self.stage.begin(call, step.trap);
        Ok(Begun {
            ticket,
            expected: Wanted::Response(&step.expect),
            due: self.world.elapsed() + step.after_ms,
        })
    }

    fn begin_event<'s>(&mut self, step: &'s EventStep) -> Begun<'s> {
        let call = Call::Event {
            event: text(&step.event),
            id: step.id.clone(),
        };
        Begun {
            ticket: self.stage.begin(call, step.trap),
            expected: Wanted::Event(&step.expect),
            due: self.world.elapsed() + step.after_ms,
        }
    }

    fn begin_function<'s>(
        &mut self,
        name: &str,
        arguments: &Value,
        expect: &'s Value,
    ) -> Begun<'s> {
        let call = Call::Function {
            name: name.to_owned(),
            arguments: text(arguments),
        };
        Begun {
            ticket: self.stage.begin(call, false),
            expected: Wanted::Function(expect),
            due: self.world.elapsed(),
        }
    }

    fn begin_update<'s>(&mut self, settings: &Value, after_ms: u64) -> Begun<'s> {
        self.settings = text(settings);
        Begun {
            ticket: self.stage.begin(Call::Update(self.settings.clone()), false),
            expected: Wanted::Updated,
            due: self.world.elapsed() + after_ms,
        }
    }

    /// Waits for the answers, of the world's time as long as they have to take.
    async fn finish(&mut self, mut begun: Vec<Begun<'_>>) -> Result<(), String> {
        self.stage.settle().await;
        begun.sort_by_key(|begun| begun.due);
        for (index, next) in begun.iter().enumerate() {
            let wait = next.due.saturating_sub(self.world.elapsed());
            if wait > 0 {
                self.advance(wait - 1).await;
                for later in &begun[index..] {
                    if let Some(early) = self.stage.outcome(later.ticket) {
                        return Err(format!("a call was answered before its time: {early:?}"));
                    }
                }
                self.advance(1).await;
            }
            self.check(next)?;
        }
        Ok(())
    }

    fn check(&mut self, begun: &Begun<'_>) -> Result<(), String> {
        match (&begun.expected, self.stage.outcome(begun.ticket)) {
            (Wanted::Response(expected), Some(Outcome::Response(response))) => {
                check_response(expected, &response)
            }
            (Wanted::Event(expected), Some(Outcome::Event(outcome))) => {
                same("event", &outcome.as_str(), expected)
            }
            (Wanted::Function(Value::String(expected)), Some(Outcome::Function(outcome))) => {
                same("function", &outcome, expected)
            }
            (Wanted::Function(expected), Some(Outcome::Function(outcome))) => {
                match serde_json::from_str::<Value>(&outcome) {
                    Ok(answer) => same("function", &answer, expected),
                    Err(_) => Err(format!("the function answered {outcome}")),
                }
            }
            (Wanted::Updated, Some(Outcome::Updated)) => Ok(()),
            (_, None) => Err("the call was not answered".to_owned()),
            (_, Some(other)) => Err(format!("the call was answered {other:?}")),
        }
    }

    fn writes(&self, expected: Option<bool>, before: usize) -> Result<(), String> {
        expected.map_or(Ok(()), |expected| {
            same("writes", &(self.world.commits() > before), &expected)
        })
    }

    async fn advance(&mut self, ms: u64) {
        let target = self.world.elapsed() + ms;
        while self.world.advance_to(target) {
            self.stage.settle().await;
        }
    }

    /// What a step has done outside must be just what it says.
    fn effects(&self, posts: &[Answer], unlocks: &[String]) -> Result<(), String> {
        let sent = self.world.take_posts();
        let mut expected: Vec<_> = posts.iter().collect();
        expected.sort_by(|one, other| one.url.cmp(&other.url));
        let shown = |posts: &[crate::world::Post]| {
            posts
                .iter()
                .map(|post| format!("{} {}", post.url, post.body))
                .collect::<Vec<_>>()
        };
        let wanted: Vec<_> = expected
            .iter()
            .map(|post| format!("{} {}", post.url, text(&post.body)))
            .collect();
        same("posts", &shown(&sent), &wanted)?;
        for (post, expected) in sent.iter().zip(expected) {
            for (name, value) in &expected.headers {
                let sent = post
                    .headers
                    .iter()
                    .find(|(sent, _)| sent.eq_ignore_ascii_case(name));
                same(
                    &format!("header {name}"),
                    &sent.map(|(_, value)| value),
                    &value.as_ref(),
                )?;
            }
        }
        let mut unlocks = unlocks.to_vec();
        unlocks.sort();
        same("unlocks", &self.world.take_unlocks(), &unlocks)
    }
}

fn check_response(expected: &Expected, response: &Response) -> Result<(), String> {
    let told = format!("{} {}", response.status, response.body);
    let body = expected.body.as_ref().map(text).unwrap_or_default();
    same("answer", &told, &format!("{} {body}", expected.status))?;
    for (name, value) in &expected.headers {
        let sent = response
            .headers
            .iter()
            .find(|(sent, _)| sent.eq_ignore_ascii_case(name));
        same(
            &format!("header {name}"),
            &sent.map(|(_, value)| value),
            &Some(value),
        )?;
    }
    Ok(())
}

fn same<T: PartialEq + fmt::Debug>(what: &str, came: &T, expected: &T) -> Result<(), String> {
    if came == expected {
        return Ok(());
    }
    Err(format!(
        "{what}\n      came: {came:?}\n  expected: {expected:?}"
    ))
}

/// JSON text, `null` for none.
fn same_json(what: &str, came: Option<&str>, expected: &Value) -> Result<(), String> {
    same(what, &came.map_or(Value::Null, parse), expected)
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| (pair[0] * 16 + pair[1]) as u8)
            .collect(),
    )
}
