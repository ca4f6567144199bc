#!lua
-- load-commit: makes the loaded codes and claims the pool, in one step.
-- KEYS 1 meta, 2 staged, 3 open, 4 claims, 5 ledger, 6 loading, 7 loading codes, 8 loading claims, 9 away
-- ARGV 1 generation, 2 state ('staged' | 'open' | 'paused' | 'ended' | 'cancelled'), 3 start in ms, 4 end in
--   ms (0: none), 5 total, 6 armed at in ms (0: not yet), 7 shape of the campaign,
--   8 fingerprint of the key of pseudonyms ('': the campaign has no erased users)
-- Reply 'loaded' | 'healthy' (a pool that answers is never replaced) | 'superseded' | 'miscounted' (codes and
--   claims do not add up to the total, because an issuance became durable meanwhile: load again)
-- @include fence
-- @include shape
-- @include pool
-- @include loading
local meta_key, staged_key, open_key, claims_key, ledger_key, loading_key, loading_codes_key, loading_claims_key, away_key = unpack(KEYS)
local generation, state, starts_at, ends_at, total, armed_at, shape, erased = unpack(ARGV)
local meta = redis.call('HMGET', meta_key, 'generation', 'token', 'shape')
demand_understood(meta[3])
local token = fence_token()
if meta[2] == token then return 'healthy' end
if not owns_load(loading_key, generation) then return 'superseded' end
if meta[1] and tonumber(meta[1]) >= tonumber(generation) then return 'superseded' end
local codes, claims = redis.call('LLEN', loading_codes_key), redis.call('HLEN', loading_claims_key)
if codes + claims ~= tonumber(total) then return 'miscounted' end
redis.call('UNLINK', meta_key, staged_key, open_key, claims_key, ledger_key, loading_key, away_key)
if codes > 0 then redis.call('RENAME', loading_codes_key, list_of(state, staged_key, open_key, away_key)) end
if claims > 0 then redis.call('RENAME', loading_claims_key, claims_key) end
redis.call('HSET', meta_key, 'state', state, 'startsAt', starts_at, 'endsAt', ends_at, 'generation', generation, 'base', generation,
  'token', token, 'seq', 0, 'total', total, 'armedAt', armed_at, 'shape', shape,
  'loadedAt', string.format('%.0f', now_ms()))
if erased ~= '' then redis.call('HSET', meta_key, 'erased', erased) end
return 'loaded'
