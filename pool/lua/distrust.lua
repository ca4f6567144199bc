#!lua
-- distrust: gives up a pool that does not agree with MongoDB. It is 'fenced' from now on, and the next
-- process that finds that rebuilds it.
-- KEYS 1 meta
-- ARGV 1 generation of the pool that the caller compared
-- Reply 'distrusted' | 'moved' (it is another pool by now)
-- @include pool
-- @include shape
local meta_key, generation = KEYS[1], ARGV[1]
local meta = redis.call('HMGET', meta_key, 'generation', 'shape')
demand_understood(meta[2])
if meta[1] ~= generation then return 'moved' end
give_up(meta_key)
return 'distrusted'
