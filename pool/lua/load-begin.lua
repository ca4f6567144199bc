#!lua
-- load-begin: starts a load or rebuild of the pool under a generation that MongoDB has just handed out.
-- KEYS 1 meta, 2 loading, 3 loading codes, 4 loading claims
-- ARGV 1 generation
-- Reply 'begun' | 'healthy' (a pool that answers is never replaced) | 'superseded' (a newer load is under way or done)
-- @include fence
local meta_key, loading_key, loading_codes_key, loading_claims_key = unpack(KEYS)
local generation = ARGV[1]
local meta = redis.call('HMGET', meta_key, 'generation', 'token')
local token = fence_token()
if meta[2] == token then return 'healthy' end
local newest = math.max(tonumber(meta[1] or 0), tonumber(redis.call('HGET', loading_key, 'generation') or 0))
-- A file from the future cannot be: the generation in MongoDB only rises. Equal means that this load has begun before.
if newest > tonumber(generation) or meta[1] == generation then return 'superseded' end
redis.call('UNLINK', loading_key, loading_codes_key, loading_claims_key)
redis.call('HSET', loading_key, 'generation', generation, 'token', token)
return 'begun'
