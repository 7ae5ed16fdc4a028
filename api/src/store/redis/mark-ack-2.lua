-- The agent has begun: if that attempt is the current one, sent on that connection, which still holds the agent.
-- KEYS: agent, the command
-- ARGV: attempt, connection (JSON), time (JSON)
-- Returns the command's JSON, or nothing
local now = redis.call('HMGET', KEYS[2], 'state', 'attempt', 'connection_id')
if now[1] ~= '"sent"' or now[2] ~= ARGV[1] or now[3] ~= ARGV[2] then return false end
if redis.call('HGET', KEYS[1], 'connection_id') ~= ARGV[2] then return false end
redis.call('HSET', KEYS[2], 'state', '"ack"', 'updated_at', ARGV[3])
return record(KEYS[2])
