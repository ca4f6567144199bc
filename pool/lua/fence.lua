#!lua flags=no-writes
-- fence: the identity of the Redis process and dataset that has the key. It also runs where Redis refuses
-- scripts that may write: too few replicas, a full disk, out of memory.
-- KEYS 1 any key of the slot; it need not exist
-- Reply the fence token
-- @include fence
return fence_token()
