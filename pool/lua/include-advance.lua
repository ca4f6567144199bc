-- Checks whether this pool may answer, and makes the transition that is due, if any: staged -> open at the
-- start, open -> ended and paused -> ended at the end. Both the clock of Redis and the caller's must have
-- reached the instant. States only move forward: an open sale closes only when the clocks reach the end.
-- A pool of a generation below least_generation is older than one already in use (an old primary that came
-- back): it is given up.
-- Reply: status, pool. status: 'ok' | 'none' | 'fenced' | 'frozen' (frozen while a change is decided: no
--   transition).
-- pool: {state, generation, now, starts_at, wait (ms to the start, 0 once open), redis_wait (the same by the
--   clock of Redis alone), ends_at (0: no end), armed_at, changed ('opened' | 'ended' | ''), frozen (the
--   generation of the change that froze it, 0: none), erased (nil: the campaign has no erased users, else the
--   fingerprint of the key of their pseudonyms)}
local function advance(meta_key, staged_key, open_key, away_key, caller_ms, least_generation)
  local meta = redis.call('HMGET', meta_key, 'state', 'generation', 'token', 'startsAt', 'endsAt', 'armedAt', 'held', 'shape', 'erased')
  if not meta[1] then return 'none', { generation = '0' } end
  demand_understood(meta[8])
  if meta[3] ~= fence_token() then return 'fenced', { generation = meta[2] } end
  if tonumber(meta[2]) < least_generation then
    give_up(meta_key)
    return 'fenced', { generation = meta[2] }
  end
  local now = now_ms()
  local starts_at, ends_at = tonumber(meta[4]), tonumber(meta[5])
  local pool = { state = meta[1], generation = meta[2], now = now, wait = 0, redis_wait = 0 }
  pool.armed_at, pool.changed, pool.frozen = tonumber(meta[6]), '', tonumber(meta[7] or 0)
  pool.starts_at, pool.ends_at, pool.erased = meta[4], meta[5] or '0', meta[9]
  if pool.frozen > 0 then return 'frozen', pool end
  if pool.state == 'staged' then
    local wait = starts_at - math.min(now, caller_ms)
    if wait > 0 then
      pool.wait, pool.redis_wait = wait, math.max(0, starts_at - now)
      return 'ok', pool
    end
    -- The state field is the first guard, RENAMENX the second. A staged pool without codes, or with an open
    -- list beside the staged one, is not what was loaded: it is given up, and the next process that finds
    -- that rebuilds it.
    if redis.call('EXISTS', staged_key) == 0 or redis.call('RENAMENX', staged_key, open_key) == 0 then
      give_up(meta_key)
      return 'fenced', { generation = meta[2] }
    end
    redis.call('HSET', meta_key, 'state', 'open', 'armedAt', now)
    pool.state, pool.armed_at, pool.changed = 'open', now, 'opened'
  end
  local has_opened = pool.state == 'open' or (pool.state == 'paused' and pool.armed_at > 0)
  if has_opened and ends_at > 0 and math.min(now, caller_ms) >= ends_at then
    if pool.state == 'paused' and redis.call('EXISTS', away_key) == 1 and redis.call('RENAMENX', away_key, open_key) == 0 then
      give_up(meta_key)
      return 'fenced', { generation = meta[2] }
    end
    redis.call('HSET', meta_key, 'state', 'ended')
    pool.state, pool.changed = 'ended', 'ended'
  end
  return 'ok', pool
end
