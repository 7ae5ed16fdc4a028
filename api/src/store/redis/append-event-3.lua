-- Gives an event the next id and keeps it. A counter that begins anew begins at the time in microseconds: far above its earlier ids.
-- KEYS: events (a stream), the counter, a timeline (a stream; the events again: none)
-- ARGV: event (JSON, without id), how many are kept and of how many bytes, how many in the timeline and of how many bytes, milliseconds that
--   a silent timeline is kept
-- Returns the id, as text

-- With each entry goes `sum`: bytes of all that the stream ever took, up to it. Entries of earlier versions have none: they go first.
local function sum_of(entry)
  return entry and tonumber(entry[2][4]) or nil
end

local function add(key, id, limit, count, bytes)
  local sum = (sum_of(redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]) or 0) + #ARGV[1]
  redis.call('XADD', key, 'MAXLEN', limit, count, id, 'event', ARGV[1], 'sum', string.format('%.0f', sum))
  while true do
    local gone = {}
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+', 'COUNT', 8)) do
      local before = (sum_of(entry) or 0) - #entry[2][2]
      if sum - before <= bytes or entry[1] == id then break end
      gone[#gone + 1] = entry[1]
    end
    if #gone > 0 then redis.call('XDEL', key, unpack(gone)) end
    if #gone < 8 then return end
  end
end

local id = redis.call('INCR', KEYS[2])
if id == 1 then
  local now = redis.call('TIME')
  id = now[1] * 1000000 + now[2]
  redis.call('SET', KEYS[2], string.format('%.0f', id))
end
local text = string.format('%.0f', id)
add(KEYS[1], text .. '-0', '~', ARGV[2], tonumber(ARGV[3]))
if KEYS[3] ~= KEYS[1] then
  add(KEYS[3], text .. '-0', '=', ARGV[4], tonumber(ARGV[5]))
  redis.call('PEXPIRE', KEYS[3], ARGV[6])
end
return text
