#!lua
-- limit: takes points from a token bucket that all processes share. Its value is the instant, in ms on the clock
-- of Redis, at which it is full again; it expires then. Where that clock was set back, the instant may lie
-- farther ahead than an empty bucket's: it then counts as an empty one, so nobody waits for the clock.
-- KEYS 1 bucket
-- ARGV 1 points, 2 how many points a full bucket has, 3 seconds in which an empty one fills
-- Reply {points in use, ms until it is full}, or, where there are too few points, {more than a full bucket has,
-- ms until there are enough}
local bucket = KEYS[1]
local points, full, seconds = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local every_ms = seconds * 1000 / full
-- SET with GET reads the value with the one right to SET; KEEPTTL leaves its end as it is.
local stored = redis.call('SET', bucket, string.format('%.0f', now_ms), 'KEEPTTL', 'GET')
local from_ms = math.min(math.max(now_ms, tonumber(stored or now_ms)), now_ms + seconds * 1000)
local to_ms = from_ms + points * every_ms
local over_ms = to_ms - now_ms - full * every_ms
if over_ms > 0 then
  redis.call('SET', bucket, string.format('%.3f', from_ms), 'PX', math.max(1, math.ceil(from_ms - now_ms)))
  return { full + points, math.ceil(over_ms) }
end
redis.call('SET', bucket, string.format('%.3f', to_ms), 'PX', math.ceil(to_ms - now_ms))
return { math.ceil((to_ms - now_ms) / every_ms), math.ceil(to_ms - now_ms) }
