-- The fence token: which Redis process, serving which dataset. A pool answers only where it was loaded.
-- run_id alone has a blind spot on fail-back, master_replid alone on a restart with an older file.
local function fence_token()
  local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local replication_id = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  return run_id .. '-' .. replication_id
end

-- Milliseconds since the epoch on the clock of Redis.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
