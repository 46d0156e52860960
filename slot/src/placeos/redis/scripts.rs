//! What Redis runs for a store. The keys are those of its values, of its keys in their order, and of its
//! owner, where the number of commits and the bytes of all records are too.

use redis::Cmd;

use crate::host::storage::Change;

/// Applies commits, each whole or not at all, if their owner is the owner, and there is room.
///
/// A change is a kind, a key and a value: `p` to put, `a` to put if absent, `s` to put what the change before it
/// has put, `d` to delete. An event is saved once for each subscriber: what follows one another and does the same is
/// a run, and goes to Redis in two calls, for a script's time is in its calls. The sorted set has the keys of the
/// hash, so its answer tells whether each key of a run was there before, or none; else, and also when a key
/// comes twice, they go one by one.
pub(super) const COMMIT: &str = r"
local known = redis.call('HMGET', KEYS[3], 'token', 'bytes')
if known[1] ~= ARGV[1] then return {-1} end
local held, most = tonumber(known[2] or '0'), tonumber(ARGV[3])

local function put(keys, value)
  local names = {}
  for i, key in ipairs(keys) do names[2 * i - 1], names[2 * i] = 0, key end
  if redis.call('ZADD', KEYS[2], unpack(names)) == #keys then
    local records = {}
    for i, key in ipairs(keys) do
      records[2 * i - 1], records[2 * i] = key, value
      held = held + #key + #value
    end
    redis.call('HSET', KEYS[1], unpack(records))
  else
    for _, key in ipairs(keys) do
      held = held - redis.call('HSTRLEN', KEYS[1], key)
      held = held + #value + #key * redis.call('HSET', KEYS[1], key, value)
    end
  end
end

local function delete(keys)
  if redis.call('ZREM', KEYS[2], unpack(keys)) == #keys then
    for _, key in ipairs(keys) do held = held - #key - redis.call('HSTRLEN', KEYS[1], key) end
    redis.call('HDEL', KEYS[1], unpack(keys))
  else
    for _, key in ipairs(keys) do
      held = held - redis.call('HSTRLEN', KEYS[1], key)
      held = held - #key * redis.call('HDEL', KEYS[1], key)
    end
  end
end

local function verdict(first, last)
  local added, value = 0, nil
  for i = first, last, 3 do
    local kind, key = ARGV[i], ARGV[i + 1]
    if kind ~= 's' then value = ARGV[i + 2] end
    if kind ~= 'd' then added = added + #key + #value end
    if kind == 'a' and redis.call('HEXISTS', KEYS[1], key) == 1 then return '!' .. key end
  end
  return added > 0 and held + added > most and '#' or '='
end

local function apply(first, last)
  local i, value = first, nil
  while i <= last do
    local does, more, keys = put, 's', {ARGV[i + 1]}
    if ARGV[i] == 'd' then does, more = delete, 'd' end
    if ARGV[i] ~= 's' then value = ARGV[i + 2] end
    i = i + 3
    while i <= last and ARGV[i] == more and #keys < 1000 do
      keys[#keys + 1] = ARGV[i + 1]
      i = i + 3
    end
    does(keys, value)
  end
end

local at, verdicts = 4, {}
for commit = 1, tonumber(ARGV[2]) do
  local first, last = at + 1, at + 3 * tonumber(ARGV[at])
  verdicts[commit] = verdict(first, last)
  if verdicts[commit] == '=' then apply(first, last) end
  at = last + 1
end
redis.call('HSET', KEYS[3], 'bytes', math.max(held, 0))
return {redis.call('HINCRBY', KEYS[3], 'commits', 1), verdicts}
";

/// Adds a commit's changes to those of [`COMMIT`]: their number, and of each its kind, key and value.
pub(super) fn add_changes(script: &mut Cmd, changes: &[Change]) {
    script.arg(changes.len());
    let mut put = None;
    for change in changes {
        let (kind, key, value) = match change {
            Change::Put { key, value } if put == Some(value) => ("s", key, None),
            Change::Put { key, value } => ("p", key, Some(value)),
            Change::PutIfAbsent { key, value } => ("a", key, Some(value)),
            Change::Delete { key } => ("d", key, None),
        };
        script.arg(kind).arg(key);
        script.arg(value.map_or(&[][..], Vec::as_slice));
        if kind != "s" {
            put = value;
        }
    }
}

/// Reads a page of records in key order; nothing if it is too large.
pub(super) const SCAN: &str = r"
local keys = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local values, bytes = {}, 0
for i, key in ipairs(keys) do
  values[i] = redis.call('HGET', KEYS[1], key)
  bytes = bytes + #(values[i] or '')
  if bytes > tonumber(ARGV[4]) then return false end
end
return {keys, values}
";

/// Makes a new owner, whoever was it before.
pub(super) const CLAIM: &str = r"
redis.call('HSET', KEYS[3], 'token', ARGV[1])
return tonumber(redis.call('HGET', KEYS[3], 'commits') or '0')
";

/// Renews an owner's token: how many scripts have committed, or -1 if another owns the records, or
/// -2 if nobody does, for Redis has forgotten them.
pub(super) const RENEW: &str = r"
local token = redis.call('HGET', KEYS[3], 'token')
if not token then return -2 end
if string.sub(token, 1, string.len(ARGV[1])) ~= ARGV[1] then return -1 end
redis.call('HSET', KEYS[3], 'token', ARGV[2])
return tonumber(redis.call('HGET', KEYS[3], 'commits') or '0')
";
