-- Uses an enrolment token once.
-- KEYS: enrolment, a hash of agent (JSON), expires (milliseconds since 1970), uses
-- ARGV: agent (JSON), time (milliseconds since 1970), 1 if the agent has or had a credential
-- Returns any | one, or nothing (and it is not used)
local now = redis.call('HMGET', KEYS[1], 'agent', 'expires', 'uses')
if not now[1] or tonumber(ARGV[2]) >= tonumber(now[2]) or tonumber(now[3]) < 1 then return false end
local any = now[1] == 'null'
if any and ARGV[3] == '1' or not any and now[1] ~= ARGV[1] then return false end
if redis.call('HINCRBY', KEYS[1], 'uses', -1) == 0 then redis.call('DEL', KEYS[1]) end
return any and 'any' or 'one'
