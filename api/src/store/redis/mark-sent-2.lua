-- The next attempt, if the command is not final and the connection holds the agent.
-- KEYS: agent, the command
-- ARGV: connection (JSON), time (JSON)
-- Returns the command's JSON, or nothing
local state = redis.call('HGET', KEYS[2], 'state')
if not state or state == '"completed"' or state == '"failed"' then return false end
if redis.call('HGET', KEYS[1], 'connection_id') ~= ARGV[1] then return false end
redis.call('HINCRBY', KEYS[2], 'attempt', 1)
redis.call('HSET', KEYS[2], 'state', '"sent"', 'connection_id', ARGV[1], 'updated_at', ARGV[2])
return record(KEYS[2])
