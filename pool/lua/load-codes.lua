#!lua
-- load-codes: appends codes to the list being loaded, if it is as long as the caller believes.
-- KEYS 1 loading, 2 loading codes
-- ARGV 1 generation, 2 expected length, 3.. codes (1 to 1,000)
-- Reply the new length, or -1: this load was superseded or its Redis is gone
-- @include fence
-- @include loading
if not owns_load(KEYS[1], ARGV[1]) then return -1 end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) then return -1 end
return redis.call('RPUSH', KEYS[2], unpack(ARGV, 3))
