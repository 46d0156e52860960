//! The ids of door events. Redis gives them, so that two instances of a module, which both hear an
//! event while core moves it, call it the same.
//!
//! Identical payloads within ten seconds are one event: no receiver could tell them apart. Later
//! ones are new. The time is that of arrival, not that of asking: events may wait for Redis.

use redis::cmd;
use sha2::{Digest, Sha256};

use super::connection::{Redis, RedisFailure};
use super::subscriptions::Heard;

/// For how long identical payloads are the same event, in milliseconds.
const SAME_WITHIN: u64 = 10_000;
/// For how long an id is remembered: much longer than two instances' hearing, and a wait for Redis,
/// can lie apart. In milliseconds.
const REMEMBERED: u64 = 600_000;

/// The ids of several events: each one's own, or that of an identical one shortly before.
const NAME: &str = r"
local ids = {}
for i, key in ipairs(KEYS) do
  local id, at = ARGV[2 * i + 1], tonumber(ARGV[2 * i + 2])
  local kept = redis.call('GET', key)
  local since, known = string.match(kept or '', '^(%d+) (.*)$')
  if known and math.abs(at - tonumber(since)) < tonumber(ARGV[1]) then
    ids[i] = known
  else
    redis.call('SET', key, ARGV[2 * i + 2] .. ' ' .. id, 'PX', ARGV[2])
    ids[i] = id
  end
end
return ids
";

/// The ids of `events`, which are in the order of their arrival.
pub async fn name(
    redis: &Redis,
    module: &str,
    events: &[Heard],
) -> Result<Vec<String>, RedisFailure> {
    let mut script = cmd("EVAL");
    script.arg(NAME).arg(events.len());
    let mut arguments = Vec::with_capacity(events.len());
    for event in events {
        let payload = Sha256::digest(&event.text);
        script.arg(format!(
            "rhombus/{{{module}}}/e/{}",
            hex::encode(&payload[..16])
        ));
        let id = Sha256::new()
            .chain_update(payload)
            .chain_update(event.at.to_be_bytes());
        arguments.push((hex::encode(&id.finalize()[..16]), event.at));
    }
    script.arg(SAME_WITHIN).arg(REMEMBERED);
    for (id, at) in arguments {
        script.arg(format!("evt_{id}")).arg(at);
    }
    redis.query(&script).await
}
