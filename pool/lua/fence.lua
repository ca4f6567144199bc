#!lua flags=no-writes
-- fence: which Redis process, serving which dataset, has the key. It also answers where a script that may write is refused: too few
-- replicas, a full disk, out of memory.
-- KEYS 1 any key of the slot that is asked about; it need not exist
-- Reply the fence token
-- @include fence
return fence_token()
