#!lua
-- load-claims: binds claim keys that already have a durable issuance.
-- KEYS 1 loading, 2 loading claims
-- ARGV 1 generation, then per claim (1 to 1,000): claim key, 'code generation-seq ms'
-- Reply the number of claims bound so far, or -1: this load was superseded or its Redis is gone
-- @include fence
-- @include loading
if not owns_load(KEYS[1], ARGV[1]) then return -1 end
redis.call('HSET', KEYS[2], unpack(ARGV, 2))
return redis.call('HLEN', KEYS[2])
