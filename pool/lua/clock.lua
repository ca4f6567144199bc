#!lua flags=no-writes
-- clock: the time of the Redis that has the key, to measure the difference between two clocks.
-- KEYS 1 any key: it chooses the node of a cluster, and need not exist
-- Reply {seconds since the epoch, microseconds of the second}
return redis.call('TIME')
