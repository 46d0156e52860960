//! When nobody listened. Redis keeps nothing for those who were away, so events of those times never
//! reached any instance, and operators must know.
//!
//! Each instance of a module notes every few seconds from when until when it has listened. What none
//! of these times covers is a gap. An instance that was heard of just now may be alive, while core
//! moves the module, and is given time to show it.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::cmd;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::redis::{Hearing, Redis, RedisFailure, RedisStatus};
use crate::host::status::Status;

/// How many gaps are shown.
const SHOWN: usize = 20;
/// An instance that is alive shows it at least this often.
const SIGN_OF_LIFE: Duration = Duration::from_secs(7);
/// How long Redis is left alone when it failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Where the gaps are that were found before.
const GAPS: &str = "gaps";
/// Follows the time of an instance that ended in order: nobody need wait for its sign of life.
const ENDED: &str = " ended";

/// From and to, in milliseconds since 1970.
pub(super) type Span = (u64, u64);

/// The book of when a module listened, kept by all its instances.
#[derive(Clone)]
pub(super) struct Attendance {
    redis: Redis,
    key: String,
    /// The field in which this instance notes its time.
    own: String,
}

impl Attendance {
    pub(super) fn new(redis: Redis, module: &str, instance: &str) -> Self {
        Self {
            redis,
            key: format!("rhombus/{{{module}}}/l"),
            own: format!("i/{instance}"),
        }
    }

    /// Whether another instance was heard of just before `now`, and did not say that it ends.
    pub(super) async fn has_other(&self, now: u64) -> Result<bool, RedisFailure> {
        Ok(self.may_live(&self.try_read().await?, now))
    }

    /// Notes that the module listens, since `since`, and shows the gaps, those of which `missed` tells
    /// among them. Never ends.
    pub(super) async fn run(
        self,
        mut since: u64,
        mut hearing: watch::Receiver<Hearing>,
        mut missed: mpsc::UnboundedReceiver<Span>,
        status: RedisStatus,
    ) {
        self.note((since, since)).await;
        let mut gaps = self.look_back(since).await;
        self.show(&mut gaps, &status).await;
        let mut until = since;
        loop {
            tokio::select! {
                Some(span) = missed.recv() => {
                    gaps.push(span);
                    self.show(&mut gaps, &status).await;
                    continue;
                }
                changed = hearing.changed() => if changed.is_err() {
                    // Whoever listens lives longer than this.
                    std::future::pending::<()>().await;
                }
            }
            let now = *hearing.borrow_and_update();
            let Some(began) = now.since else { continue };
            if began > since {
                gaps.push((until, began));
                since = began;
                self.show(&mut gaps, &status).await;
            }
            until = now.until.unwrap_or(began);
            self.note((since, until)).await;
        }
    }

    /// Notes when the module ceased to listen.
    pub(super) async fn end(&self, now: u64) {
        if let Ok(book) = self.try_read().await
            && let Some((since, _)) = book.get(&self.own).and_then(|noted| span(noted))
        {
            self.write(format!("{since} {now}{ENDED}")).await;
        }
    }

    /// What nobody covered before this instance did, and what was found before.
    async fn look_back(&self, since: u64) -> Vec<Span> {
        let mut book = self.read().await;
        if self.may_live(&book, since) {
            sleep(SIGN_OF_LIFE).await;
            book = self.read().await;
        }
        let known = book
            .get(GAPS)
            .and_then(|gaps| serde_json::from_str(gaps).ok());
        let mut gaps: Vec<Span> = known.unwrap_or_default();
        let spans = self.others(&book).map(|(_, span)| span);
        for gap in between(spans.chain([(since, since)]).collect()) {
            if gap.1 <= since && !gaps.contains(&gap) {
                gaps.push(gap);
            }
        }
        gaps.sort_unstable();
        self.keep(&gaps).await;
        // Only now can those be forgotten by whose times the gaps were found.
        for (name, (_, until)) in self.others(&book) {
            if !is_fresh(until, since) {
                let forget = cmd("HDEL").arg(&self.key).arg(name).clone();
                // The next instance tries again.
                let _: Result<(), RedisFailure> = self.redis.query(&forget).await;
            }
        }
        gaps
    }

    fn others(&self, book: &BTreeMap<String, String>) -> impl Iterator<Item = (String, Span)> {
        let others = book
            .iter()
            .filter(|(name, _)| **name != self.own && *name != GAPS);
        let others: Vec<_> = others
            .filter_map(|(name, noted)| Some((name.clone(), span(noted)?)))
            .collect();
        others.into_iter()
    }

    fn may_live(&self, book: &BTreeMap<String, String>, now: u64) -> bool {
        let mut others = self.others(book);
        others.any(|(name, (_, until))| {
            is_fresh(until, now) && !book.get(&name).is_some_and(|noted| noted.ends_with(ENDED))
        })
    }

    async fn note(&self, (since, until): Span) {
        self.write(format!("{since} {until}")).await;
    }

    async fn write(&self, noted: String) {
        let note = cmd("HSET").arg(&self.key).arg(&self.own).arg(noted).clone();
        // The next note comes soon; after the last one a gap is longer than it was.
        let _: Result<(), RedisFailure> = self.redis.query(&note).await;
    }

    async fn show(&self, gaps: &mut Vec<Span>, status: &RedisStatus) {
        gaps.drain(..gaps.len().saturating_sub(SHOWN));
        let shown = gaps
            .iter()
            .map(|(from, to)| json!({ "from": moment(*from), "to": moment(*to) }));
        status.set("gaps", &shown.collect::<Value>().to_string());
        self.keep(gaps).await;
    }

    async fn keep(&self, gaps: &[Span]) {
        let keep = cmd("HSET")
            .arg(&self.key)
            .arg(GAPS)
            .arg(json!(gaps).to_string())
            .clone();
        while self.redis.query::<()>(&keep).await.is_err() {
            sleep(PAUSE).await;
        }
    }

    async fn read(&self) -> BTreeMap<String, String> {
        loop {
            match self.try_read().await {
                Ok(book) => return book,
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn try_read(&self) -> Result<BTreeMap<String, String>, RedisFailure> {
        self.redis.query(cmd("HGETALL").arg(&self.key)).await
    }
}

/// What none of `spans` covers, of the time that they span together.
fn between(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut gaps = Vec::new();
    let mut covered = spans.first().map_or(0, |(from, _)| *from);
    for (from, to) in spans {
        if from > covered {
            gaps.push((covered, from));
        }
        covered = covered.max(to);
    }
    gaps
}

fn span(noted: &str) -> Option<Span> {
    let mut times = noted.split(' ').map(|time| time.parse().ok());
    Some((times.next()??, times.next()??))
}

fn is_fresh(until: u64, now: u64) -> bool {
    let sign = u64::try_from(SIGN_OF_LIFE.as_millis()).unwrap_or(u64::MAX);
    until.saturating_add(sign) > now
}

fn moment(milliseconds: u64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000);
    moment
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_what_nobody_covers() {
        assert_eq!(between(vec![]), []);
        assert_eq!(between(vec![(5, 9)]), []);
        // One takes over from another, then nobody, then two of which one ends early.
        let spans = vec![(30, 31), (1, 10), (8, 20), (25, 40), (40, 41), (50, 50)];
        assert_eq!(between(spans), [(20, 25), (41, 50)]);
    }

    #[test]
    fn a_time_is_read_with_and_without_its_end() {
        assert_eq!(span("1 20"), Some((1, 20)));
        assert_eq!(span("1 20 ended"), Some((1, 20)));
        for odd in ["", "1", "1 x"] {
            assert_eq!(span(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_moment_is_written_as_people_read_it() {
        assert_eq!(moment(1_767_225_600_250), "2026-01-01T00:00:00.25Z");
    }
}
