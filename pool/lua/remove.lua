#!lua flags=allow-oom
-- remove: removes all keys of a rehearsal, or of a warm-up's shadow, at once. It refuses keys of any other
-- campaign by their names: only the id of a rehearsal begins with R (record/campaign-id.ts), only the keys of a
-- shadow begin with cp:warm-up: (pool/keys.ts), and nothing else is ever removed.
-- KEYS 1.. all keys of the campaign (pool/keys.ts)
-- Reply how many there were; for any other campaign an error, and no key is removed
for _, key in ipairs(KEYS) do
  if string.sub(key, 1, 5) ~= 'cp:{R' and string.sub(key, 1, 11) ~= 'cp:warm-up:' then
    return redis.error_reply('REFUSED only what is a rehearsal is ever removed')
  end
end
return redis.call('UNLINK', unpack(KEYS))
