#!lua flags=no-writes
-- clock: the time of the Redis that has the key, to whoever measures how far apart two clocks are.
-- KEYS 1 any key: it says which node of a cluster is asked, and need not exist
-- Reply {seconds since the epoch, microseconds of the second}
return redis.call('TIME')
