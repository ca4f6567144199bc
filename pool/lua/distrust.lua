#!lua
-- distrust: this pool does not agree with MongoDB. From now on it answers nobody, and is made again by whoever sees that.
-- KEYS 1 meta
-- ARGV 1 generation the caller looked at
-- Reply 'distrusted' | 'moved' (it is another pool by now)
if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return 'moved' end
redis.call('HSET', KEYS[1], 'token', '')
return 'distrusted'
