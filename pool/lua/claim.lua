#!lua
-- claim: for each claim key, the coupon it has, or a new one popped from the open pool and bound to it.
-- KEYS 1 meta, 2 staged, 3 open, 4 claims, 5 ledger, 6 away
-- ARGV 1 caller's clock in ms; 2 'issue' | 'recall' (pop nothing, only return existing coupons and refusals);
--   3 the least generation that the pool can have (0: unknown); 4 how many coupons a user may have (1: claim
--   keys have no places); 5 fingerprint of the key of pseudonyms ('': the claims come without); then for each
--   claim (1 to 1,000): claim key, user id ('' where it is the claim key or unknown; with places never) and,
--   with a fingerprint, the pseudonym of the claim key
-- Reply {status, generation, answer per claim...}; with status 'none' | 'fenced' there are no answers, nor with
--   'marked', which a fingerprint follows: the campaign has erased users, ask again with pseudonyms of that key.
-- answer, first letter: 'c' claimed now | 'p' claimed before, not yet confirmed durable | 'r' claimed before
--   and durable, each followed by 'code generation-seq ms'; 'P' and 'R': the same, bound to the pseudonym,
--   because the user was erased; 's' + total: sold out, all of so many; 'q': the
--   same, but the server must not keep it in memory, because coupons are being added;
--   'e' + 'ms to the start, the same by the clock of Redis alone, the start in ms, the end in ms (0: none)';
--   'x' + state that does not issue; 'w': the pool is frozen while a change of the campaign is decided: wait
--   and ask again; 'h': withheld, a coupon is left but this call was only to recall; 'f': codes are missing
--   from the list, so the pool is given up (as 'fenced'): ask again after the rebuild; 'l': the user has as
--   many coupons as the campaign gives each, in any state of the pool. With places, 'place ' comes before the
--   code of 'c', 'p' and 'r', and the request id may follow the ms.
-- Order: existing claims first, so that a holder whose answer was lost gets the coupon in any state of the
-- pool.
-- No step after the pop can fail: a script error does not roll back.
-- @include fence
-- @include shape
-- @include pool
-- @include advance
-- @include places
local meta_key, staged_key, open_key, claims_key, ledger_key, away_key = unpack(KEYS)
local caller_ms, mode, least_generation = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local per_user, key_print = tonumber(ARGV[4]), ARGV[5]
local keys, users, pseudonyms = {}, {}, key_print ~= '' and {} or nil
local texts = pseudonyms and 3 or 2
for i = 1, (#ARGV - 5) / texts do
  local at = 5 + texts * (i - 1)
  keys[i], users[i] = ARGV[at + 1], ARGV[at + 2]
  if pseudonyms then pseudonyms[i] = ARGV[at + 3] end
end

local status, pool = advance(meta_key, staged_key, open_key, away_key, caller_ms, least_generation)
local frozen = status == 'frozen'
if status ~= 'ok' and not frozen then return { status, pool.generation } end

if pool.erased and pool.erased ~= key_print then return { 'marked', pool.generation, pool.erased } end

local known, places, full, erased
if per_user > 1 then
  known, places, full, erased = places_of(claims_key, keys, users, per_user, pseudonyms)
else
  known = redis.call('HMGET', claims_key, unpack(keys))
  erased = pseudonyms and redis.call('HMGET', claims_key, unpack(pseudonyms)) or {}
end

local reply = { 'ok', pool.generation }
local fresh, asked = {}, {}
for i = 1, #keys do
  local value = known[i] or erased[i]
  if value then
    local id = string.match(value, ' (%S+) ')
    local pending = #redis.call('XRANGE', ledger_key, id, id, 'COUNT', 1) > 0
    local letter = pending and 'p' or 'r'
    if not known[i] then letter = string.upper(letter) end
    reply[i + 2] = letter .. (places and places[i] .. ' ' or '') .. value
  elseif places and full[i] then
    reply[i + 2] = 'l'
  elseif not asked[keys[i]] and (not places or places[i]) then
    asked[keys[i]] = true
    fresh[#fresh + 1] = i
  end
end
if #fresh == 0 then return reply end

-- The script accesses every key that it writes below before its first write. While a cluster moves the slot
-- away, the node refuses a key that it does not have, even in the middle of a script. So after the pop, which
-- may remove the open list, the script must not access that key again.
redis.call('EXISTS', ledger_key)
local codes, left = {}, pool.state == 'open' and redis.call('LLEN', open_key) or 0
if pool.state == 'open' and not frozen and mode ~= 'recall' then codes = redis.call('LPOP', open_key, #fresh) or {} end

local given = {}
if #codes > 0 then
  -- If the clock was set back while the pool is open, the instant must still not be before the opening.
  local at = string.format('%.0f', math.max(pool.now, pool.armed_at))
  local first = redis.call('HINCRBY', meta_key, 'seq', #codes) - #codes
  local bindings = {}
  for n, code in ipairs(codes) do
    local key = keys[fresh[n]]
    given[key] = code .. ' ' .. pool.generation .. '-' .. string.format('%.0f', first + n) .. ' ' .. at
    bindings[2 * n - 1], bindings[2 * n] = key, given[key]
    if places then
      local user = users[fresh[n]]
      bindings[2 * n - 1] = user .. SEPARATOR .. places[fresh[n]]
      bindings[2 * n] = given[key] .. ' ' .. string.sub(key, #user + #SEPARATOR + 1)
      given[key] = places[fresh[n]] .. ' ' .. given[key]
    end
  end
  redis.call('HSET', claims_key, unpack(bindings))
  for n, code in ipairs(codes) do
    local i = fresh[n]
    local id = pool.generation .. '-' .. string.format('%.0f', first + n)
    if places then
      redis.call('XADD', ledger_key, id, 'k', keys[i], 'c', code, 't', at, 'u', users[i], 'p', places[i])
    elseif users[i] == '' then
      redis.call('XADD', ledger_key, id, 'k', keys[i], 'c', code, 't', at)
    else
      redis.call('XADD', ledger_key, id, 'k', keys[i], 'c', code, 't', at, 'u', users[i])
    end
  end
end

-- The answer for claim keys that get no coupon. Sold out is true only if every code has a claim: codes and
-- claims together are never fewer than the total. If they are, an operator removed codes by hand or a list
-- was lost.
local refusal = 'x' .. pool.state
if frozen then
  refusal = 'w'
elseif pool.state == 'staged' then
  refusal = 'e' .. pool.wait .. ' ' .. pool.redis_wait .. ' ' .. pool.starts_at .. ' ' .. pool.ends_at
elseif pool.state == 'open' and #codes < #fresh then
  if left > #codes then
    refusal = 'h'
  else
    local stock = redis.call('HMGET', meta_key, 'total', 'quiet')
    if redis.call('HLEN', claims_key) >= tonumber(stock[1]) then
      refusal = stock[2] and 'q' or 's' .. stock[1]
    else
      give_up(meta_key)
      refusal = 'f'
    end
  end
end

local told = {}
for i = 1, #keys do
  if not reply[i + 2] then
    local value = given[keys[i]]
    if not value then
      -- The last places of the user went to earlier claims of this call. If any of those got no code, nobody
      -- knows yet whether the user is to have them, and the reason is the same for this one.
      reply[i + 2] = places and not places[i] and #codes == #fresh and 'l' or refusal
    else
      -- The same key twice in one batch: the second one gets the same claim, which is not durable yet.
      reply[i + 2] = (told[keys[i]] and 'p' or 'c') .. value
      told[keys[i]] = true
    end
  end
end
return reply
