#!lua
-- rights: tries each command that the other scripts use, on keys of a campaign that does not exist, and
-- removes these keys again.
-- KEYS 1 hash, 2 list, 3 another list, 4 stream, 5 string: of one slot, none of them exists
-- Reply {{command, refusal of Redis...}, {field of INFO that the fence needs and that this Redis does not
-- tell...}}
-- @include fence
local hash_key, list_key, other_list_key, stream_key, string_key = unpack(KEYS)
local refused, untold = {}, {}
-- These commands and arguments are right, so an error that names no state of Redis (OOM, MISCONF, READONLY)
-- is about the user or about what this Redis can do, in whatever words its version has for it.
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return end
  -- RENAME and RENAMENX find no list where RPUSH and LPUSH were refused.
  if string.find(reply.err, '^ERR no such key') then return end
  if string.find(reply.err, '^ERR ') or string.find(reply.err, '^NOPERM ') then
    refused[#refused + 1] = string.lower(({ ... })[1])
    refused[#refused + 1] = reply.err
  end
end

-- UNLINK is tried first, because it removes the keys of the other commands.
try('UNLINK', hash_key, list_key, other_list_key, stream_key, string_key)
try('INFO', 'server')
try('TIME')
try('EXISTS', hash_key)
if #refused > 0 then return { refused, untold } end

-- A made-up identity (0, or one digit over and over) would be the same after a restart.
local function is_told(id)
  return id and #id == 40 and id ~= string.rep(string.sub(id, 1, 1), 40)
end
local run_id, replication_id = process_and_dataset()
if not is_told(run_id) then untold[#untold + 1] = 'run_id' end
if not is_told(replication_id) then untold[#untold + 1] = 'master_replid' end

try('HSET', hash_key, 'a', '1')
try('HSETNX', hash_key, 'a', '1')
try('HGET', hash_key, 'a')
try('HMGET', hash_key, 'a', 'b')
try('HLEN', hash_key)
try('HINCRBY', hash_key, 'a', 1)
try('HSCAN', hash_key, '0', 'COUNT', 1)
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
redis.pcall('UNLINK', hash_key, list_key, other_list_key, stream_key, string_key)
return { refused, untold }
