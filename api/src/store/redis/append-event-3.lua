-- Gives an event the next id and keeps it. A counter that begins anew begins at the time in microseconds: far above its earlier ids.
-- KEYS: events (a stream), the counter, a timeline (a stream; the events again: none)
-- ARGV: event (JSON, without id), how many are kept, how many in the timeline, milliseconds that a silent timeline is kept
-- Returns the id, as text
local id = redis.call('INCR', KEYS[2])
if id == 1 then
  local now = redis.call('TIME')
  id = now[1] * 1000000 + now[2]
  redis.call('SET', KEYS[2], string.format('%.0f', id))
end
local text = string.format('%.0f', id)
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], text .. '-0', 'event', ARGV[1])
if KEYS[3] ~= KEYS[1] then
  redis.call('XADD', KEYS[3], 'MAXLEN', ARGV[3], text .. '-0', 'event', ARGV[1])
  redis.call('PEXPIRE', KEYS[3], ARGV[4])
end
return text
