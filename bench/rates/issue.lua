-- wrk's side of the benchmarks: a call about one campaign in JSON, each for a user of its own where there are
-- users. Arguments after `--`: path, campaign id, and for IssueCoupon the prefix of the user ids. Prints at
-- the end, as one line of JSON: answers, seconds, answers that were not 200, requests that broke off,
-- requests that had no answer in time, latencies in ms.
local path, campaign, prefix
local serial = 0

function init(args)
  path, campaign, prefix = args[1], args[2], args[3]
end

function request()
  serial = serial + 1
  local user = prefix and ',"userId":"' .. prefix .. serial .. '"' or ''
  local body = '{"campaignId":"' .. campaign .. '"' .. user .. '}'
  return wrk.format("POST", path, { ["content-type"] = "application/json" }, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"answers":%d,"seconds":%.6f,"refused":%d,"broken":%d,"late":%d,"p50Ms":%.3f,"p99Ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000
  ))
end
