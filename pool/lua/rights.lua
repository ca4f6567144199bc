#!lua
-- rights: tries each command that the other scripts use, on keys of a campaign that does not exist, and takes all of it away again.
-- KEYS 1 hash, 2 list, 3 another list, 4 stream, 5 string: of one slot, none of them exists
-- Reply {command...} those that the user may not run; 'keys' among them: none of these keys may be touched
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

-- First, since it cleans up after the others.
try('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
try('INFO', 'server')
try('TIME')
try('EXISTS', KEYS[1])
if #missing > 0 then return missing end

try('HSET', KEYS[1], 'a', '1')
try('HSETNX', KEYS[1], 'a', '1')
try('HGET', KEYS[1], 'a')
try('HMGET', KEYS[1], 'a', 'b')
try('HLEN', KEYS[1])
try('HINCRBY', KEYS[1], 'a', 1)
try('HDEL', KEYS[1], 'a')
try('RPUSH', KEYS[2], 'a', 'b')
try('LPUSH', KEYS[2], 'c')
try('LLEN', KEYS[2])
try('LREM', KEYS[2], 1, 'c')
try('RENAME', KEYS[2], KEYS[3])
try('RENAMENX', KEYS[3], KEYS[2])
try('LPOP', KEYS[2], 1)
try('XADD', KEYS[4], '1-1', 'k', 'v')
try('XLEN', KEYS[4])
try('XRANGE', KEYS[4], '-', '+', 'COUNT', 1)
try('XDEL', KEYS[4], '1-1')
try('SET', KEYS[5], 'a')
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
return missing
