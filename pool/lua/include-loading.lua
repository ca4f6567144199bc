-- Whether the load that calls is still the one under way, on the process and dataset where it began.
local function owns_load(loading_key, generation)
  local loading = redis.call('HMGET', loading_key, 'generation', 'token')
  return loading[1] == generation and loading[2] == fence_token()
end
