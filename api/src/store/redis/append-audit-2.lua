-- Adds entries to the audit log if its newest one is still the expected one, and drops old ones.
-- KEYS: the log, a stream whose ids are the entries' numbers; the newest entry's number and hash, as "number hash"
-- ARGV: the expected value of the latter, its next value, the time before which entries go (milliseconds), the most entries to keep,
--       then for each entry its number, time and text
-- Returns nil, or the present value of the latter when it is another one ("" where there is none)
local newest = redis.call('GET', KEYS[2]) or ''
if newest ~= ARGV[1] then return newest end
for i = 5, #ARGV, 3 do
  redis.call('XADD', KEYS[1], ARGV[i] .. '-0', 'at', ARGV[i + 1], 'text', ARGV[i + 2])
end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[4])
-- some at a time: a step must be short; each adds fewer than it may drop
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 500)) do
  if tonumber(entry[2][2]) >= tonumber(ARGV[3]) then break end
  redis.call('XDEL', KEYS[1], entry[1])
end
return nil
