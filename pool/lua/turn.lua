#!lua flags=allow-oom
-- turn: makes a held pool what the record says, under the generation of the change, and ends the hold. Codes, claims, ledger and the
-- instant of the opening stay what they are; the list is renamed to where its state has it.
-- KEYS 1 meta, 2 staged, 3 open, 4 away
-- ARGV 1 generation; 2 state ('staged' | 'open' | 'paused' | 'ended' | 'cancelled'), 3 start in ms, 4 end in ms (0: none)
-- Reply 'turned' (also when asked again) | 'superseded' (a later change or load has been here) | 'none' | 'fenced'
-- @include fence
-- @include pool
local meta_key, staged_key, open_key, away_key = unpack(KEYS)
local generation, state, starts_at, ends_at = unpack(ARGV)
local meta = redis.call('HMGET', meta_key, 'generation', 'token', 'held')
if not meta[1] then return 'none' end
if meta[2] ~= fence_token() then return 'fenced' end
local change = tonumber(generation)
if tonumber(meta[1]) == change then return 'turned' end
if tonumber(meta[1]) > change or not meta[3] or tonumber(meta[3]) > change then return 'superseded' end
local list = list_of(state, staged_key, open_key, away_key)
local filled = {}
for _, key in ipairs({ staged_key, open_key, away_key }) do
  if redis.call('EXISTS', key) == 1 then filled[#filled + 1] = key end
end
-- The codes are in one list. A second one is not what was loaded: the pool is given up, and made again by whoever sees that.
if #filled > 1 then
  give_up(meta_key)
  return 'fenced'
end
if #filled == 1 and filled[1] ~= list then redis.call('RENAME', filled[1], list) end
redis.call('HSET', meta_key, 'generation', generation, 'state', state, 'startsAt', starts_at, 'endsAt', ends_at)
redis.call('HDEL', meta_key, 'held')
return 'turned'
