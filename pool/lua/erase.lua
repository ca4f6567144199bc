#!lua flags=allow-oom
-- erase: puts the pseudonym in the place of each claim key whose issuance has it already: in the claims, also in
-- those that a load has gathered so far; and drops its ledger entry, since the issuance is durable. It does so in
-- any pool, fenced or not, because no id may stay behind.
-- KEYS 1 meta, 2 claims, 3 ledger, 4 loading claims
-- ARGV per claim (1 to 500): field of the claims (see pool/claim-field.ts), the field that takes its place, code,
--   pseudonym of the request id ('': the field has no place)
-- Reply {status 'ok' (frozen or not) | 'none' | 'fenced', generation, claims that were bound to the fields}
-- @include fence
-- @include shape
local meta_key, claims_key, ledger_key, loading_claims_key = unpack(KEYS)
local meta = redis.call('HMGET', meta_key, 'generation', 'token', 'shape')
demand_understood(meta[3])
local status = 'ok'
if not meta[1] then
  status = 'none'
elseif meta[2] ~= fence_token() then
  status = 'fenced'
end
local moved = 0
local function move(key, field, pseudonym, code, request)
  local value = redis.call('HGET', key, field)
  -- Another code: a stale claim, which its commit resolves in favour of the durable issuance.
  if not value or string.match(value, '^(%S+) ') ~= code then return nil end
  redis.call('HDEL', key, field)
  if request ~= '' then value = string.match(value, '^%S+ %S+ %S+') .. ' ' .. request end
  redis.call('HSET', key, pseudonym, value)
  return string.match(value, ' (%S+) ')
end
-- The keys that are written are accessed before the first write: see claim.lua.
redis.call('EXISTS', ledger_key)
redis.call('EXISTS', loading_claims_key)
for i = 1, #ARGV, 4 do
  local field, pseudonym, code, request = unpack(ARGV, i, i + 3)
  local id = move(claims_key, field, pseudonym, code, request)
  if id then
    moved = moved + 1
    redis.call('XDEL', ledger_key, id)
  end
  move(loading_claims_key, field, pseudonym, code, request)
end
-- Shows an audit that the claims have changed while it read them.
if moved > 0 and meta[1] then redis.call('HINCRBY', meta_key, 'erasures', moved) end
return { status, meta[1] or '0', moved }
