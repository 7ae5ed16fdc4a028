-- Changes an agent that is known.
-- KEYS: agent
-- ARGV: name, value, name, value, …
-- Returns its JSON, or nothing
if redis.call('HEXISTS', KEYS[1], 'id') == 0 then return false end
redis.call('HSET', KEYS[1], unpack(ARGV))
return record(KEYS[1])
