#!lua flags=no-writes
-- ledger: entries whose claim is at least so old, oldest first, for the sweeper and for a rebuild. Needs no fence: an entry
-- is always finished forward, and MongoDB arbitrates.
-- KEYS 1 ledger
-- ARGV 1 least age in ms, 2 id to start after ('-': from the first), 3 most entries (1 to 1,000)
-- Reply {id of the last entry looked at ('': no more), then per entry: id, claim key, code, ms, user id ('': none)}
-- @include fence
local youngest = now_ms() - tonumber(ARGV[1])
local entries = redis.call('XRANGE', KEYS[1], ARGV[2] == '-' and '-' or '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
local reply = { #entries == tonumber(ARGV[3]) and entries[#entries][1] or '' }
for _, entry in ipairs(entries) do
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  -- A clock that stepped back makes an entry look young for ever: also take what is from the future.
  local at = tonumber(fields.t)
  if at <= youngest or at > youngest + tonumber(ARGV[1]) then
    reply[#reply + 1] = entry[1]
    reply[#reply + 1] = fields.k
    reply[#reply + 1] = fields.c
    reply[#reply + 1] = fields.t
    reply[#reply + 1] = fields.u or ''
  end
end
return reply
