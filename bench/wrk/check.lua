-- Checks of random customers, each of 20 random segments. Arguments after "--":
--   customers segments checkSegments seed rate
-- With a rate above 0 the load is open: each request has its turn on a clock that does not wait for
-- answers. A request whose turn came while every connection waited is timed from its turn (no coordinated
-- omission); one that had its turn in time is timed from when it was sent, since wrk's own timer has
-- steps of 1 ms, which are not the server's. Prints one line: OPEN count late p50 p99 p999 max (ms).
local ffi = require('ffi')
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } coterie_time;
  int clock_gettime(int clock, coterie_time *time);
]]

local time = ffi.new('coterie_time')
local function now_us()
  ffi.C.clock_gettime(1, time)
  return tonumber(time.seconds) * 1e6 + tonumber(time.nanoseconds) / 1e3
end

local threads = {}
function setup(thread)
  table.insert(threads, thread)
end

-- Global, so that done() can read them.
histogram = {}
answered = 0
late = 0
failed = 0

local customers, segments, check_segments, interval_us
-- Turns that were given out and not yet sent, oldest first: [i] = the time to reckon from, or 0.
local turns, first_turn, last_turn = {}, 1, 0
local next_turn_us
-- Customer → when its request began. Two requests for one customer at once are told apart wrongly, rarely.
local began = {}

function init(args)
  customers, segments, check_segments = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
  math.randomseed(tonumber(args[4]))
  local rate = tonumber(args[5])
  if rate > 0 then
    interval_us = 1e6 / rate
  else
    -- Without these wrk does not call into Lua for answers, nor wait before a request.
    delay, response = nil, nil
  end
  wrk.method = 'POST'
  wrk.headers['content-type'] = 'application/json'
end

function request()
  local customer = string.format('customer-%09d', math.random(0, customers - 1))
  local keys = {}
  for i = 1, check_segments do
    keys[i] = '"benchmark-' .. math.random(0, segments - 1) .. '"'
  end
  if interval_us then
    local from = turns[first_turn]
    turns[first_turn] = nil
    first_turn = first_turn + 1
    began[customer] = (from and from > 0) and from or now_us()
  end
  return wrk.format(nil, nil, nil, '{"customer":"' .. customer .. '","segments":[' .. table.concat(keys, ',') .. ']}')
end

function delay()
  local now = now_us()
  next_turn_us = next_turn_us and next_turn_us + interval_us or now
  local wait = next_turn_us - now
  last_turn = last_turn + 1
  if wait < 0 then
    late = late + 1
    turns[last_turn] = next_turn_us
    return 0
  end
  turns[last_turn] = 0
  return wait / 1000
end

function response(status, headers, body)
  if status ~= 200 then
    failed = failed + 1
    return
  end
  local customer = string.match(body, '"customer":"([^"]+)"')
  local from = began[customer]
  if not from then return end
  began[customer] = nil
  -- Steps of 1 % from 1 µs.
  local step = math.floor(math.log(math.max(1, now_us() - from)) / math.log(1.01))
  histogram[step] = (histogram[step] or 0) + 1
  answered = answered + 1
end

function done(summary, latency)
  io.write(string.format('CLOSED %d %d %.3f %.3f %.3f %.3f %d\n', summary.requests, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency:percentile(99.9) / 1000,
    latency.max / 1000, summary.errors.status + summary.errors.connect + summary.errors.read
      + summary.errors.write + summary.errors.timeout))
  local counts = threads[1]:get('histogram')
  local total = threads[1]:get('answered')
  if total == 0 then return end
  local steps = {}
  for step in pairs(counts) do table.insert(steps, step) end
  table.sort(steps)
  local function percentile(share)
    local seen = 0
    for _, step in ipairs(steps) do
      seen = seen + counts[step]
      if seen >= share * total then return 1.01 ^ (step + 1) / 1000 end
    end
  end
  io.write(string.format('OPEN %d %d %.3f %.3f %.3f %.3f\n', total, threads[1]:get('late'),
    percentile(0.5), percentile(0.99), percentile(0.999), percentile(1)))
end
