#!lua
-- release: MongoDB's unique indexes said that this claim key does not get this code. Undo the binding, if it still stands.
-- KEYS 1 meta, 2 staged, 3 open, 4 claims, 5 ledger, 6 away
-- ARGV 1 claim key, 2 code, 3 'generation-seq', 4 ms of the claim that lost
--      5 'free': nobody has an issuance of the code, it goes back to the pool | 'taken': it does not
--      6 claim key, 7 code, 8 'generation-seq', 9 ms of the durable issuance that stood in the way (of the same key, or of
--      the same code), which is bound instead
-- Reply 'released' | 'moved' (the binding was another one already: nothing to undo) | 'none' | 'fenced'
-- @include fence
local meta = redis.call('HMGET', KEYS[1], 'state', 'token')
if not meta[1] then return 'none' end
if meta[2] ~= fence_token() then return 'fenced' end
local lost = ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4]
if redis.call('HGET', KEYS[4], ARGV[1]) ~= lost then return 'moved' end
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('XDEL', KEYS[5], ARGV[3])
if ARGV[5] == 'free' then
  local is_away = meta[1] == 'paused' or meta[1] == 'cancelled'
  redis.call('LPUSH', meta[1] == 'staged' and KEYS[2] or is_away and KEYS[6] or KEYS[3], ARGV[2])
end
redis.call('HSETNX', KEYS[4], ARGV[6], ARGV[7] .. ' ' .. ARGV[8] .. ' ' .. ARGV[9])
return 'released'
