#!lua
-- load-claims: binds claim keys that already have a durable issuance.
-- KEYS 1 loading, 2 loading claims
-- ARGV 1 generation, then per claim (1 to 1,000): field (see pool/claim-field.ts), 'code
--   generation-seq ms', with the request id after it where the field has a place
-- Reply the number of claims bound so far, or -1: this load was superseded, or this is another Redis
-- @include fence
-- @include loading
local loading_key, loading_claims_key, generation = KEYS[1], KEYS[2], ARGV[1]
if not owns_load(loading_key, generation) then return -1 end
redis.call('HSET', loading_claims_key, unpack(ARGV, 2))
return redis.call('HLEN', loading_claims_key)
