#!lua
-- advance: opens the pool if its start has come, ends it if its end has come, never early.
-- KEYS 1 meta, 2 staged, 3 open, 4 away
-- ARGV 1 caller's clock in ms; 2 the least generation that the pool can have (0: unknown)
-- Reply {'none' | 'fenced' | 'frozen', generation} or {'ok', generation, state, changed ('opened' | 'ended' |
--   ''), ms to the start, armed at in ms ('0': not yet), clock of Redis in ms}
-- @include fence
-- @include shape
-- @include pool
-- @include advance
local meta_key, staged_key, open_key, away_key = unpack(KEYS)
local caller_ms, least_generation = tonumber(ARGV[1]), tonumber(ARGV[2])
local status, pool = advance(meta_key, staged_key, open_key, away_key, caller_ms, least_generation)
if status ~= 'ok' then return { status, pool.generation } end
return {
  'ok', pool.generation, pool.state, pool.changed,
  string.format('%.0f', pool.wait), string.format('%.0f', pool.armed_at), string.format('%.0f', pool.now),
}
