-- What tells a Redis process and its dataset apart from all others; nil for what this Redis does not tell.
local function process_and_dataset()
  local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local replication_id = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  return run_id, replication_id
end

-- The fence token: the identity of this Redis process and dataset. A pool answers only where it was loaded.
-- run_id alone does not detect a fail-back, master_replid alone not a restart with an older file.
local function fence_token()
  local run_id, replication_id = process_and_dataset()
  if not run_id or not replication_id then
    error('INFO of this Redis tells no run_id or no master_replid, which the fence needs')
  end
  return run_id .. '-' .. replication_id
end

-- Milliseconds since the epoch on the clock of Redis.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
