#!lua
-- load-codes: appends codes to the list being loaded, if it has the length that the caller expects.
-- KEYS 1 loading, 2 loading codes
-- ARGV 1 generation, 2 expected length, 3.. codes (1 to 1,000)
-- Reply the new length, or -1: another length, this load was superseded, or this is another Redis
-- @include fence
-- @include loading
local loading_key, loading_codes_key, generation, expected = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
if not owns_load(loading_key, generation) then return -1 end
if redis.call('LLEN', loading_codes_key) ~= expected then return -1 end
return redis.call('RPUSH', loading_codes_key, unpack(ARGV, 3))
