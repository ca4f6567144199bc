-- Whether the calling load is still the current one, in the Redis process and dataset where it began.
local function owns_load(loading_key, generation)
  local loading = redis.call('HMGET', loading_key, 'generation', 'token')
  return loading[1] == generation and loading[2] == fence_token()
end
