#!lua flags=allow-oom
-- mark: from now on the claims of this pool must bring pseudonyms, because its campaign has erased users.
-- KEYS 1 meta
-- ARGV 1 fingerprint of the key of pseudonyms, 2 least shape of such a campaign, 3 the least generation that the
--   pool can have (0: unknown)
-- Reply {'marked' | 'none' | 'fenced', generation}
-- @include fence
-- @include shape
-- @include pool
local meta_key = KEYS[1]
local key_print, least_shape, least_generation = ARGV[1], ARGV[2], tonumber(ARGV[3])
local meta = redis.call('HMGET', meta_key, 'generation', 'token', 'shape')
if not meta[1] then return { 'none', '0' } end
demand_understood(meta[3])
if meta[2] ~= fence_token() then return { 'fenced', meta[1] } end
if tonumber(meta[1]) < least_generation then
  give_up(meta_key)
  return { 'fenced', meta[1] }
end
local shape = math.max(tonumber(meta[3] or 1), tonumber(least_shape))
redis.call('HSET', meta_key, 'erased', key_print, 'shape', string.format('%.0f', shape))
return { 'marked', meta[1] }
