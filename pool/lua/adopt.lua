#!lua
-- adopt: an issuance of an older generation became durable after this pool had been loaded: removes its code
-- from the lists and binds it.
-- KEYS 1 meta, 2 staged, 3 open, 4 claims, 5 away
-- ARGV 1 field of the claims (see pool/claim-field.ts), 2 code, 3 'generation-seq', 4 ms, with the request id
--   after it where the field has a place; 5 and 6: field and 'ms…' as an erasure of the user binds it ('': the
--   campaign has no erased users)
-- Reply 'adopted' | 'bound' (the key has another code now; the commit of that claim resolves it) | 'none' |
--   'fenced'
-- LREM scans the list: acceptable, because it runs only for a request that was under way during a rebuild.
-- @include fence
-- @include shape
local meta_key, staged_key, open_key, claims_key, away_key = unpack(KEYS)
local claim_key, code, id, at, erased_key, erased_at = unpack(ARGV)
local meta = redis.call('HMGET', meta_key, 'generation', 'token', 'shape')
if not meta[1] then return 'none' end
demand_understood(meta[3])
if meta[2] ~= fence_token() then return 'fenced' end
redis.call('LREM', staged_key, 1, code)
redis.call('LREM', open_key, 1, code)
redis.call('LREM', away_key, 1, code)
if erased_key ~= '' and redis.call('HGET', claims_key, erased_key) == code .. ' ' .. id .. ' ' .. erased_at then
  return 'adopted'
end
local value = code .. ' ' .. id .. ' ' .. at
if redis.call('HSETNX', claims_key, claim_key, value) == 1 then return 'adopted' end
if redis.call('HGET', claims_key, claim_key) == value then return 'adopted' end
return 'bound'
