#!lua flags=no-writes
-- bindings: some of the claims of a pool, or of those that a load has gathered so far. One that is there all the
-- time is never left out; one may come twice.
-- KEYS 1 claims or loading claims
-- ARGV 1 cursor ('0': from the first), 2 about how many
-- Reply {next cursor ('0': no more), then per claim: claim key, 'code generation-seq ms'}
local claims_key, cursor, count = KEYS[1], ARGV[1], ARGV[2]
local page = redis.call('HSCAN', claims_key, cursor, 'COUNT', count)
local reply = { page[1] }
for i = 1, #page[2] do reply[i + 1] = page[2][i] end
return reply
