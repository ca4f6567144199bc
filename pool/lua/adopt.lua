#!lua
-- adopt: an issuance of an older generation became durable after this pool had been built: take its code out and bind it.
-- KEYS 1 meta, 2 staged, 3 open, 4 claims, 5 away
-- ARGV 1 claim key, 2 code, 3 'generation-seq', 4 ms
-- Reply 'adopted' | 'bound' (the key holds another code now: its own commit will settle that) | 'none' | 'fenced'
-- LREM walks the list: acceptable for what happens once per request that outlived a rebuild.
-- @include fence
local meta = redis.call('HMGET', KEYS[1], 'generation', 'token')
if not meta[1] then return 'none' end
if meta[2] ~= fence_token() then return 'fenced' end
redis.call('LREM', KEYS[2], 1, ARGV[2])
redis.call('LREM', KEYS[3], 1, ARGV[2])
redis.call('LREM', KEYS[5], 1, ARGV[2])
local value = ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4]
if redis.call('HSETNX', KEYS[4], ARGV[1], value) == 1 then return 'adopted' end
if redis.call('HGET', KEYS[4], ARGV[1]) == value then return 'adopted' end
return 'bound'
