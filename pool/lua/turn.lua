#!lua flags=allow-oom
-- turn: makes a held pool what the record says, under the generation of the change, and ends the hold. Codes, claims, ledger and the
-- instant of the opening stay what they are; the list is renamed to where its state has it.
-- KEYS 1 meta, 2 staged, 3 open, 4 away
-- ARGV 1 generation; 2 state ('staged' | 'open' | 'paused' | 'ended' | 'cancelled'), 3 start in ms, 4 end in ms (0: none)
-- Reply 'turned' (also when asked again) | 'superseded' (a later change or load has been here) | 'none' | 'fenced'
-- @include fence
local meta = redis.call('HMGET', KEYS[1], 'generation', 'token', 'held')
if not meta[1] then return 'none' end
if meta[2] ~= fence_token() then return 'fenced' end
local change = tonumber(ARGV[1])
if tonumber(meta[1]) == change then return 'turned' end
if tonumber(meta[1]) > change or not meta[3] or tonumber(meta[3]) > change then return 'superseded' end
local list = KEYS[3]
if ARGV[2] == 'staged' then
  list = KEYS[2]
elseif ARGV[2] == 'paused' or ARGV[2] == 'cancelled' then
  list = KEYS[4]
end
local filled = {}
for i = 2, 4 do
  if redis.call('EXISTS', KEYS[i]) == 1 then filled[#filled + 1] = KEYS[i] end
end
-- The codes are in one list. A second one is not what was loaded: the pool is given up, and made again by whoever sees that.
if #filled > 1 then
  redis.call('HSET', KEYS[1], 'token', '')
  return 'fenced'
end
if #filled == 1 and filled[1] ~= list then redis.call('RENAME', filled[1], list) end
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'state', ARGV[2], 'startsAt', ARGV[3], 'endsAt', ARGV[4])
redis.call('HDEL', KEYS[1], 'held')
return 'turned'
