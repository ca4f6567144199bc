#!lua flags=allow-oom
-- settle: drops ledger entries whose issuances are durable. Runs on a full Redis too: it only frees memory.
-- KEYS 1 meta, 2 ledger
-- ARGV 1 generation the claims were made in; 2.. seqs (1 to 1,000)
-- Reply 'settled' | 'stale' (the pool was loaded later, without them: see adopt) | 'none' | 'fenced' (needs a
--   rebuild)
-- @include fence
-- @include shape
local meta_key, ledger_key, generation = KEYS[1], KEYS[2], ARGV[1]
local meta = redis.call('HMGET', meta_key, 'generation', 'token', 'base', 'shape')
if not meta[1] then return 'none' end
demand_understood(meta[4])
if meta[2] ~= fence_token() then return 'fenced' end
-- A change of the campaign raises the generation of the pool, which keeps its ledger; only a load starts a
-- new ledger.
local claimed_in = tonumber(generation)
if claimed_in < tonumber(meta[3]) or claimed_in > tonumber(meta[1]) then return 'stale' end
local ids = {}
for i = 2, #ARGV do ids[i - 1] = generation .. '-' .. ARGV[i] end
redis.call('XDEL', ledger_key, unpack(ids))
return 'settled'
