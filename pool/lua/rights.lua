#!lua
-- rights: tries each command that the other scripts use, on keys of a campaign that does not exist, and
-- removes these keys again.
-- KEYS 1 hash, 2 list, 3 another list, 4 stream, 5 string: of one slot, none of them exists
-- Reply {command...} that the user may not run; 'keys' among them: the user may not access these keys
local hash_key, list_key, other_list_key, stream_key, string_key = unpack(KEYS)
local missing = {}
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return end
  if string.find(reply.err, "keys mentioned", 1, true) or string.find(reply.err, 'access one of the keys', 1, true) then
    missing[#missing + 1] = 'keys'
  elseif string.find(reply.err, "can't run this command", 1, true) or string.find(reply.err, 'NOPERM', 1, true) then
    missing[#missing + 1] = string.lower(({ ... })[1])
  end
end

-- UNLINK is tried first, because it removes the keys of the other commands.
try('UNLINK', hash_key, list_key, other_list_key, stream_key, string_key)
try('INFO', 'server')
try('TIME')
try('EXISTS', hash_key)
if #missing > 0 then return missing end

try('HSET', hash_key, 'a', '1')
try('HSETNX', hash_key, 'a', '1')
try('HGET', hash_key, 'a')
try('HMGET', hash_key, 'a', 'b')
try('HLEN', hash_key)
try('HINCRBY', hash_key, 'a', 1)
try('HDEL', hash_key, 'a')
try('RPUSH', list_key, 'a', 'b')
try('LPUSH', list_key, 'c')
try('LLEN', list_key)
try('LREM', list_key, 1, 'c')
try('RENAME', list_key, other_list_key)
try('RENAMENX', other_list_key, list_key)
try('LPOP', list_key, 1)
try('XADD', stream_key, '1-1', 'k', 'v')
try('XLEN', stream_key)
try('XRANGE', stream_key, '-', '+', 'COUNT', 1)
try('XDEL', stream_key, '1-1')
try('SET', string_key, 'a')
redis.call('UNLINK', hash_key, list_key, other_list_key, stream_key, string_key)
return missing
