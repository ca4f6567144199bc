#!lua flags=allow-oom
-- freeze: freezes the pool while MongoDB decides about a change of the campaign: no new coupon, opening or end
-- from now on. A start or end that has come is carried out first. Holders still get their coupons; turn or a
-- load ends the freeze. It runs on a full Redis too, because it is how a sale is stopped.
-- Where there is no pool yet, a load that began before this must not bring one: it read the campaign before
-- the change.
-- KEYS 1 meta, 2 staged, 3 open, 4 away, 5 loading, 6 loading codes, 7 loading claims
-- ARGV 1 caller's clock in ms; 2 the least generation that the pool can have (0: unknown); 3 generation of
--   the change
-- Reply {'none' | 'fenced', generation} | {'superseded', generation} (a later change or load has taken the
--   pool) | {'frozen', generation, state, armed at in ms ('0': not yet), clock of Redis in ms}
-- @include fence
-- @include shape
-- @include pool
-- @include advance
local meta_key, staged_key, open_key, away_key, loading_key, loading_codes_key, loading_claims_key = unpack(KEYS)
local caller_ms, least_generation, generation = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local change = tonumber(generation)
local status, pool = advance(meta_key, staged_key, open_key, away_key, caller_ms, least_generation)
if status == 'none' then
  if tonumber(redis.call('HGET', loading_key, 'generation') or 0) > change then return { 'superseded', '0' } end
  redis.call('UNLINK', loading_key, loading_codes_key, loading_claims_key)
  redis.call('HSET', loading_key, 'generation', generation, 'token', '')
end
if status ~= 'ok' and status ~= 'frozen' then return { status, pool.generation } end
if tonumber(pool.generation) >= change or pool.frozen > change then return { 'superseded', pool.generation } end
redis.call('HSET', meta_key, 'held', generation)
return { 'frozen', pool.generation, pool.state, string.format('%.0f', pool.armed_at), string.format('%.0f', pool.now) }
