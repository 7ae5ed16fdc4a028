-- Changes an agent, if that connection still holds it.
-- KEYS: agent
-- ARGV: connection (JSON), name, value, name, value, …
-- Returns 1, or 0 when it doesn't
if redis.call('HGET', KEYS[1], 'connection_id') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
