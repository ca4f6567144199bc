#!lua flags=no-writes
-- inspect: reads the pool and changes nothing.
-- KEYS 1 meta, 2 staged, 3 open, 4 claims, 5 ledger, 6 away
-- Reply {status 'ok' | 'none' | 'fenced' | 'frozen' (frozen while a change is decided), generation, state,
--   staged codes, open codes, claims, ledger entries, armed at in ms ('0': not yet), clock of Redis in ms,
--   codes of the away list, total, start in ms, end in ms ('0': none), fingerprint of the key of pseudonyms ('':
--   no erased users)}
-- @include fence
-- @include shape
local meta_key, staged_key, open_key, claims_key, ledger_key, away_key = unpack(KEYS)
local meta = redis.call('HMGET', meta_key, 'state', 'generation', 'token', 'armedAt', 'held', 'total', 'startsAt', 'endsAt', 'shape', 'erased')
demand_understood(meta[9])
local status = 'ok'
if not meta[1] then
  status = 'none'
elseif meta[3] ~= fence_token() then
  status = 'fenced'
elseif meta[5] then
  status = 'frozen'
end
return {
  status, meta[2] or '0', meta[1] or '',
  redis.call('LLEN', staged_key), redis.call('LLEN', open_key), redis.call('HLEN', claims_key), redis.call('XLEN', ledger_key),
  meta[4] or '0', string.format('%.0f', now_ms()), redis.call('LLEN', away_key), meta[6] or '0',
  meta[7] or '0', meta[8] or '0', meta[10] or '',
}
