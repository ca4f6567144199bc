#!lua
-- probe: an actual write in the slot of a campaign, removed at once. As for any script that may write, Redis
-- refuses it while it is full, read-only or cannot write its file.
-- KEYS 1 probe
-- Reply 'written'
local probe_key = KEYS[1]
redis.call('SET', probe_key, 'probe')
redis.call('UNLINK', probe_key)
return 'written'
