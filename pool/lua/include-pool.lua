-- The list that holds the codes of a pool in this state.
local function list_of(state, staged_key, open_key, away_key)
  if state == 'staged' then return staged_key end
  if state == 'paused' or state == 'cancelled' then return away_key end
  return open_key
end

-- Gives the pool up: from now on every script replies 'fenced', and the first process that gets this rebuilds
-- it.
local function give_up(meta_key)
  redis.call('HSET', meta_key, 'token', '')
end
