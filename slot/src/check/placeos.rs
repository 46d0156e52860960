//! Whether PlaceOS's Redis keeps what is committed, and who is subscribed to a module there.

use std::time::{Duration, Instant, UNIX_EPOCH};

use redis::cmd;
use serde_json::Value;
use url::Url;

use super::clock::Clock;
use super::finding::Finding;
use super::way_out::origin;
use crate::host::random::{Random, SystemRandom};
use crate::host::storage::{Change, Storage};
use crate::placeos::redis::{Address, Durability, Promise, Redis, RedisFailure, RedisStore};

/// Commits to records of a module that is none, and removes them.
pub(super) async fn store(redis: &Redis, address: &Address) -> Finding {
    let what = format!("Redis {address}");
    let took = match try_out(redis).await {
        Ok(took) => took,
        Err(failure) => {
            return Finding::bad(
                what,
                format!("{failure}; see that it runs there, and that REDIS_URL is right"),
            );
        }
    };
    let kept = format!(
        "a commit is acknowledged after {:.1} ms",
        took.as_secs_f64() * 1000.0
    );
    let Ok(promise) = Promise::read(redis).await else {
        return Finding::doubtful(
            what,
            format!("{kept}; it keeps to itself whether it is durable: see that appendonly is yes"),
        );
    };
    if let Some(policy) = &promise.eviction {
        return Finding::bad(
            what,
            format!(
                "it may remove records when its memory is full (maxmemory-policy {policy}); \
                 set maxmemory-policy noeviction"
            ),
        );
    }
    match promise.durability {
        Some(Durability::Disk) => Finding::good(what, format!("{kept} and is on the disk")),
        Some(Durability::Process) => Finding::doubtful(
            what,
            format!(
                "{kept} and survives its restart, not a loss of power; for that, set appendfsync always"
            ),
        ),
        Some(Durability::None) => Finding::bad(
            what,
            "it forgets what it acknowledged when it restarts; set appendonly yes and appendfsync always",
        ),
        None => Finding::doubtful(
            what,
            format!("{kept}; it does not tell whether it is durable"),
        ),
    }
}

async fn try_out(redis: &Redis) -> Result<Duration, String> {
    let text = |failure: RedisFailure| failure.to_string();
    let module = format!("check-{}", hex::encode(SystemRandom.bytes(16)));
    let store = RedisStore::claim(redis.clone(), &module, module.clone());
    let store = store.await.map_err(text)?;
    let change = Change::Put {
        key: "check".to_owned(),
        value: vec![0; 300],
    };
    let begun = Instant::now();
    let made = store.commit(vec![change]).await;
    let took = begun.elapsed();
    let remove = RedisStore::keys(&module);
    redis
        .query::<()>(cmd("DEL").arg(&remove))
        .await
        .map_err(text)?;
    made.map_err(|error| error.to_string())?;
    Ok(took)
}

/// What Redis' servers take for the time.
pub(super) async fn clocks(redis: &Redis) -> Vec<Clock> {
    let times: Result<Vec<(u64, u64)>, _> = redis.query_servers(&cmd("TIME")).await;
    let times = times.unwrap_or_default().into_iter();
    times
        .map(|(seconds, _)| Clock::at("Redis", UNIX_EPOCH + Duration::from_secs(seconds)))
        .collect()
}

/// Whether a module is loaded, and the origins of its subscribers, as its status has them.
pub(super) async fn subscribers(redis: &Redis, module: &str) -> (Finding, Vec<Url>) {
    let what = format!("module {module}");
    let status = cmd("HGET")
        .arg(format!("status/{module}"))
        .arg("subscriptions")
        .clone();
    let status: Result<Option<String>, _> = redis.query(&status).await;
    let listed = match status {
        Err(failure) => return (Finding::bad(what, failure.to_string()), Vec::new()),
        Ok(None) => {
            let found = "it has no status in this Redis; see that its id is right and that it runs";
            return (Finding::bad(what, found), Vec::new());
        }
        Ok(Some(json)) => serde_json::from_str::<Vec<Value>>(&json).unwrap_or_default(),
    };
    let text = |subscription: &Value, name: &str| {
        let text = subscription.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let troubled: Vec<_> = listed
        .iter()
        .filter(|subscription| text(subscription, "state") != "open")
        .map(|subscription| {
            let [webhook, state, why] =
                ["webhook", "state", "why"].map(|name| text(subscription, name));
            format!("{webhook} is {state} ({why})")
        })
        .collect();
    let origins = listed
        .iter()
        .filter_map(|subscription| origin(&text(subscription, "webhook")))
        .collect();
    let finding = match (listed.len(), troubled.is_empty()) {
        (0, _) => Finding::doubtful(what, "nobody is subscribed to it yet"),
        (count, true) => Finding::good(what, format!("{count} subscribed, all open")),
        (count, false) => Finding::bad(
            what,
            format!("{count} subscribed, of whom {}", troubled.join(", ")),
        ),
    };
    (finding, origins)
}
