#!lua flags=allow-oom
-- turn: sets a frozen pool to the state in MongoDB, under the generation of the change, and ends the freeze.
-- Codes, claims, ledger and the instant of the opening stay unchanged; the list of codes gets the name that
-- belongs to the state.
-- KEYS 1 meta, 2 staged, 3 open, 4 away
-- ARGV 1 generation; 2 state ('staged' | 'open' | 'paused' | 'ended' | 'cancelled'), 3 start in ms, 4 end in
--   ms (0: none)
-- Reply 'turned' (also for a repeated call) | 'superseded' (a later change or load has taken the pool) |
--   'none' | 'fenced'
-- @include fence
-- @include shape
-- @include pool
local meta_key, staged_key, open_key, away_key = unpack(KEYS)
local generation, state, starts_at, ends_at = unpack(ARGV)
local meta = redis.call('HMGET', meta_key, 'generation', 'token', 'held', 'shape')
if not meta[1] then return 'none' end
demand_understood(meta[4])
if meta[2] ~= fence_token() then return 'fenced' end
local change = tonumber(generation)
if tonumber(meta[1]) == change then return 'turned' end
if tonumber(meta[1]) > change or not meta[3] or tonumber(meta[3]) > change then return 'superseded' end
local list = list_of(state, staged_key, open_key, away_key)
local filled = {}
for _, key in ipairs({ staged_key, open_key, away_key }) do
  if redis.call('EXISTS', key) == 1 then filled[#filled + 1] = key end
end
-- All codes are in one list. A second list was not loaded: the pool is given up, and the next process that
-- finds that rebuilds it.
if #filled > 1 then
  give_up(meta_key)
  return 'fenced'
end
if #filled == 1 and filled[1] ~= list then redis.call('RENAME', filled[1], list) end
redis.call('HSET', meta_key, 'generation', generation, 'state', state, 'startsAt', starts_at, 'endsAt', ends_at)
redis.call('HDEL', meta_key, 'held')
return 'turned'
