//! What Redis runs for a store. The keys are those of its values, of its keys in their order, and of its
//! owner, where the number of commits and the bytes of all records are too.

/// Applies commits, each whole or not at all, if their owner is the owner, and there is room.
pub(super) const COMMIT: &str = r"
local known = redis.call('HMGET', KEYS[3], 'token', 'bytes')
if known[1] ~= ARGV[1] then return {-1} end
local at, verdicts, held, most = 4, {}, tonumber(known[2] or '0'), tonumber(ARGV[3])
for commit = 1, tonumber(ARGV[2]) do
  local last = at + 3 * tonumber(ARGV[at])
  local verdict, added = '=', 0
  for i = at + 1, last, 3 do
    if ARGV[i] ~= 'd' then added = added + #ARGV[i + 1] + #ARGV[i + 2] end
  end
  if added > 0 and held + added > most then verdict = '#' end
  for i = at + 1, last, 3 do
    if ARGV[i] == 'a' and redis.call('HEXISTS', KEYS[1], ARGV[i + 1]) == 1 then
      verdict = '!' .. ARGV[i + 1]
      break
    end
  end
  if verdict == '=' then
    for i = at + 1, last, 3 do
      local key, value = ARGV[i + 1], ARGV[i + 2]
      held = held - redis.call('HSTRLEN', KEYS[1], key)
      if ARGV[i] == 'd' then
        held = held - #key * redis.call('HDEL', KEYS[1], key)
        redis.call('ZREM', KEYS[2], key)
      else
        held = held + #value + #key * redis.call('HSET', KEYS[1], key, value)
        redis.call('ZADD', KEYS[2], 0, key)
      end
    end
  end
  verdicts[commit] = verdict
  at = last + 1
end
redis.call('HSET', KEYS[3], 'bytes', math.max(held, 0))
return {redis.call('HINCRBY', KEYS[3], 'commits', 1), verdicts}
";

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
