#!lua
-- load-commit: makes what was loaded the pool, all of it at once.
-- KEYS 1 meta, 2 staged, 3 open, 4 claims, 5 ledger, 6 loading, 7 loading codes, 8 loading claims, 9 away
-- ARGV 1 generation, 2 state ('staged' | 'open' | 'paused' | 'ended' | 'cancelled'), 3 start in ms, 4 end in ms (0: none), 5 total,
--      6 armed at in ms (0: not yet)
-- Reply 'loaded' | 'healthy' (a pool that answers is never replaced) | 'superseded' | 'miscounted' (codes and claims do not
--   add up to the total: an issuance arrived meanwhile, load again)
-- @include fence
-- @include loading
local meta = redis.call('HMGET', KEYS[1], 'generation', 'token')
local token = fence_token()
if meta[2] == token then return 'healthy' end
if not owns_load(KEYS[6], ARGV[1]) then return 'superseded' end
if meta[1] and tonumber(meta[1]) >= tonumber(ARGV[1]) then return 'superseded' end
local codes, claims = redis.call('LLEN', KEYS[7]), redis.call('HLEN', KEYS[8])
if codes + claims ~= tonumber(ARGV[5]) then return 'miscounted' end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[9])
local is_away = ARGV[2] == 'paused' or ARGV[2] == 'cancelled'
if codes > 0 then redis.call('RENAME', KEYS[7], ARGV[2] == 'staged' and KEYS[2] or is_away and KEYS[9] or KEYS[3]) end
if claims > 0 then redis.call('RENAME', KEYS[8], KEYS[4]) end
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'startsAt', ARGV[3], 'endsAt', ARGV[4], 'generation', ARGV[1], 'base', ARGV[1],
  'token', token, 'seq', 0, 'total', ARGV[5], 'armedAt', ARGV[6])
return 'loaded'
