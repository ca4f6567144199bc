#!lua
-- load-begin: starts a load or rebuild of the pool under a generation that was just raised in MongoDB.
-- KEYS 1 meta, 2 loading, 3 loading codes, 4 loading claims
-- ARGV 1 generation
-- Reply 'begun' | 'healthy' (a pool that answers is never replaced) | 'superseded' (a newer load is under way
--   or done)
-- @include fence
-- @include shape
local meta_key, loading_key, loading_codes_key, loading_claims_key = unpack(KEYS)
local generation = ARGV[1]
local meta = redis.call('HMGET', meta_key, 'generation', 'token', 'shape')
demand_understood(meta[3])
local token = fence_token()
if meta[2] == token then return 'healthy' end
local newest = math.max(tonumber(meta[1] or 0), tonumber(redis.call('HGET', loading_key, 'generation') or 0))
-- The generation in MongoDB only rises, so a higher one belongs to a later load or change. An equal one:
-- this load is done.
if newest > tonumber(generation) or meta[1] == generation then return 'superseded' end
redis.call('UNLINK', loading_key, loading_codes_key, loading_claims_key)
redis.call('HSET', loading_key, 'generation', generation, 'token', token)
return 'begun'
