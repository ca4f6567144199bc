#!lua flags=no-writes
-- frontier: how far the claims of a pool have come, and the first claim that may not be durable yet.
-- KEYS 1 meta, 2 ledger
-- Reply {status 'ok' (frozen or not) | 'none' | 'fenced', generation, generation of the last load, seq of the
--   last claim, id of the first ledger entry ('': none), ms since the last load by the clock of Redis ('': not
--   known, because an earlier version loaded the pool)}
-- @include fence
-- @include shape
local meta_key, ledger_key = unpack(KEYS)
local meta = redis.call('HMGET', meta_key, 'generation', 'token', 'base', 'seq', 'loadedAt', 'shape')
demand_understood(meta[6])
local status = 'ok'
if not meta[1] then
  status = 'none'
elseif meta[2] ~= fence_token() then
  status = 'fenced'
end
local first = redis.call('XRANGE', ledger_key, '-', '+', 'COUNT', 1)[1]
local since_load = meta[5] and string.format('%.0f', now_ms() - tonumber(meta[5])) or ''
return { status, meta[1] or '0', meta[3] or '0', meta[4] or '0', first and first[1] or '', since_load }
