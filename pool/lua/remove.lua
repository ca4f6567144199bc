#!lua flags=allow-oom
-- remove: takes away every key of a rehearsal, all of them at once. Keys of any other campaign are refused by their names: an id that
-- begins with R is that of a rehearsal (record/campaign-id.ts), and nothing else is ever removed.
-- KEYS 1.. all keys of the campaign (pool/keys.ts)
-- Reply how many there were; an error, and nothing removed, for any other campaign
for _, key in ipairs(KEYS) do
  if string.sub(key, 1, 5) ~= 'cp:{R' then return redis.error_reply('REFUSED only what is a rehearsal is ever removed') end
end
return redis.call('UNLINK', unpack(KEYS))
