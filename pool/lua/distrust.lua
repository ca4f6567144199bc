#!lua
-- distrust: gives up a pool that does not agree with MongoDB. It is 'fenced' from now on, and the next
-- process that finds that rebuilds it.
-- KEYS 1 meta
-- ARGV 1 generation of the pool that the caller compared
-- Reply 'distrusted' | 'moved' (it is another pool by now)
-- @include pool
local meta_key, generation = KEYS[1], ARGV[1]
if redis.call('HGET', meta_key, 'generation') ~= generation then return 'moved' end
give_up(meta_key)
return 'distrusted'
