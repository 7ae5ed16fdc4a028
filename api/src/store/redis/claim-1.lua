-- The fence: a connection becomes the agent's, if its term is greater than the last accepted one, or equal and from the same replica.
-- KEYS: agent
-- ARGV: term (0: the next one, if nobody is connected or the holder may be replaced), replica (JSON), takeover (true, false or a
--   connection, JSON), fields (JSON list of name, value, …), fields that only a new agent gets (the same)
-- Returns accepted, term, connection and hub of the holder before | code, term, replica and connection that hold it
local before = redis.call('HMGET', KEYS[1], 'term', 'leader', 'connection_id', 'hub')
local last = tonumber(before[1] or 0)
local holder = before[3] or 'null'
local term = tonumber(ARGV[1])
local code
if term ~= 0 then
  if term < last or (term == last and before[2] ~= ARGV[2]) then code = 'stale_term' end
else
  term = last + 1
  if holder ~= 'null' and ARGV[3] ~= 'true' and ARGV[3] ~= holder then code = 'duplicate_agent' end
end
if code then return { code, before[1], before[2], holder } end
redis.call('HSET', KEYS[1], 'term', string.format('%.0f', term), unpack(cjson.decode(ARGV[4])))
local first = cjson.decode(ARGV[5])
for i = 1, #first, 2 do redis.call('HSETNX', KEYS[1], first[i], first[i + 1]) end
return { 'accepted', string.format('%.0f', term), holder, before[4] or 'null' }
