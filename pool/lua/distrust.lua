#!lua
-- distrust: this pool does not agree with MongoDB. From now on it answers nobody, and is made again by whoever sees that.
-- KEYS 1 meta
-- ARGV 1 generation the caller looked at
-- Reply 'distrusted' | 'moved' (it is another pool by now)
-- @include pool
local meta_key, generation = KEYS[1], ARGV[1]
if redis.call('HGET', meta_key, 'generation') ~= generation then return 'moved' end
give_up(meta_key)
return 'distrusted'
