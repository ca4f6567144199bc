#!lua
-- probe: an actual write in the slot of a campaign, taken back at once. As any script that may write it is refused where Redis is
-- full, read-only or cannot write its file.
-- KEYS 1 probe
-- Reply 'written'
redis.call('SET', KEYS[1], 'probe')
redis.call('UNLINK', KEYS[1])
return 'written'
