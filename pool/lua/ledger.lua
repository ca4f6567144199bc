#!lua flags=no-writes
-- ledger: entries whose claim is at least so old, oldest first, for the sweeper and for a rebuild. Needs no
-- fence: the caller inserts the issuance of each entry for the same claim key, and MongoDB's unique indexes
-- decide.
-- KEYS 1 ledger
-- ARGV 1 least age in ms, 2 id to start after ('-': from the first), 3 most entries (1 to 1,000)
-- Reply {id of the last entry looked at ('': no more), then per entry: id, claim key, code, ms, user id ('':
--   none), place ('': none)}
-- @include fence
local ledger_key, least_age, after, most = KEYS[1], tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local youngest = now_ms() - least_age
local entries = redis.call('XRANGE', ledger_key, after == '-' and '-' or '(' .. after, '+', 'COUNT', most)
local reply = { #entries == most and entries[#entries][1] or '' }
for _, entry in ipairs(entries) do
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  -- After the clock was set back, an entry may lie in the future and would seem too young for long: take it
  -- too.
  local at = tonumber(fields.t)
  if at <= youngest or at > youngest + least_age then
    reply[#reply + 1] = entry[1]
    reply[#reply + 1] = fields.k
    reply[#reply + 1] = fields.c
    reply[#reply + 1] = fields.t
    reply[#reply + 1] = fields.u or ''
    reply[#reply + 1] = fields.p or ''
  end
end
return reply
