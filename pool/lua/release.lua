#!lua
-- release: MongoDB's unique indexes refused this code for this claim key. Undoes the binding, if it still
-- exists.
-- KEYS 1 meta, 2 staged, 3 open, 4 claims, 5 ledger, 6 away
-- ARGV 1 field of the claims (see pool/claim-field.ts), 2 code, 3 'generation-seq', 4 ms of the claim that lost
--      5 'free': no key has an issuance of the code, it returns to the pool | 'taken': it does not
--      6 field, 7 code, 8 'generation-seq', 9 ms of the durable issuance that refused it (of the same
--      key, of the same code, or of the same place of the user), which is bound instead
-- Reply 'released' | 'moved' (the key has another binding or none: nothing to undo) | 'none' | 'fenced'
-- @include fence
-- @include shape
-- @include pool
local meta_key, staged_key, open_key, claims_key, ledger_key, away_key = unpack(KEYS)
local lost_key, lost_code, lost_id, lost_at, fate = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local durable_key, durable_code, durable_id, durable_at = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local meta = redis.call('HMGET', meta_key, 'state', 'token', 'shape')
if not meta[1] then return 'none' end
demand_understood(meta[3])
if meta[2] ~= fence_token() then return 'fenced' end
local lost = lost_code .. ' ' .. lost_id .. ' ' .. lost_at
if redis.call('HGET', claims_key, lost_key) ~= lost then return 'moved' end
redis.call('HDEL', claims_key, lost_key)
redis.call('XDEL', ledger_key, lost_id)
if fate == 'free' then
  redis.call('LPUSH', list_of(meta[1], staged_key, open_key, away_key), lost_code)
end
redis.call('HSETNX', claims_key, durable_key, durable_code .. ' ' .. durable_id .. ' ' .. durable_at)
return 'released'
