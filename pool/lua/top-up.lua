#!lua
-- top-up: appends codes that were added to the campaign, if the pool has had as many as the caller expects.
-- A server answers "sold out" from memory for a moment. So an empty pool is first made quiet: from then on
-- servers do not keep the "sold out" of claim.lua in memory. The caller waits until every such memory has
-- expired, and calls again. So no server answers "sold out" while these codes can be claimed. A pool stays
-- quiet during a change of the campaign, so a wait that began before the change counts. A pool that has ended
-- or was cancelled takes the codes too, and keeps them.
-- KEYS 1 meta, 2 staged, 3 open, 4 away
-- ARGV 1 generation, 2 codes that the pool has had in all, 3 the name of the quiet that the caller has waited
--   for ('': none), 4.. codes (1 to 1,000)
-- Reply {'topped' | 'moved' (another generation or total) | 'frozen' | 'none' | 'fenced', total} or
--   {'quiet', total, the name of this quiet: it lasts until the pool gets codes or is loaded again}
-- @include fence
-- @include shape
-- @include pool
local meta_key, staged_key, open_key, away_key = unpack(KEYS)
local generation, known_total, waited_quiet = ARGV[1], ARGV[2], ARGV[3]
local meta = redis.call('HMGET', meta_key, 'generation', 'token', 'held', 'state', 'total', 'quiet', 'shape')
if not meta[1] then return { 'none', '0' } end
demand_understood(meta[7])
if meta[2] ~= fence_token() then return { 'fenced', meta[5] } end
if meta[3] then return { 'frozen', meta[5] } end
if meta[1] ~= generation or meta[5] ~= known_total then return { 'moved', meta[5] } end
local list = list_of(meta[4], staged_key, open_key, away_key)
local may_issue = meta[4] == 'open' or meta[4] == 'paused'
if may_issue and redis.call('EXISTS', list) == 0 and (not meta[6] or waited_quiet ~= meta[6]) then
  local quiet = meta[6] or meta[1] .. '-' .. meta[5]
  redis.call('HSET', meta_key, 'quiet', quiet)
  return { 'quiet', meta[5], quiet }
end
local total = redis.call('HINCRBY', meta_key, 'total', #ARGV - 3)
redis.call('RPUSH', list, unpack(ARGV, 4))
redis.call('HDEL', meta_key, 'quiet')
return { 'topped', string.format('%.0f', total) }
