#!lua
-- load-begin: starts a load or rebuild of the pool under a generation that MongoDB has just handed out.
-- KEYS 1 meta, 2 loading, 3 loading codes, 4 loading claims
-- ARGV 1 generation
-- Reply 'begun' | 'healthy' (a pool that answers is never replaced) | 'superseded' (a newer load is under way or done)
-- @include fence
local meta = redis.call('HMGET', KEYS[1], 'generation', 'token')
local token = fence_token()
if meta[2] == token then return 'healthy' end
local newest = math.max(tonumber(meta[1] or 0), tonumber(redis.call('HGET', KEYS[2], 'generation') or 0))
-- A file from the future cannot be: the generation in MongoDB only rises. Equal means that this load has begun before.
if newest > tonumber(ARGV[1]) or meta[1] == ARGV[1] then return 'superseded' end
redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4])
redis.call('HSET', KEYS[2], 'generation', ARGV[1], 'token', token)
return 'begun'
