-- The only credential of an agent.
-- KEYS: credential, a hash of current, next, rotation; `known` stays for good
-- ARGV: hash of the token, 1: only if the agent never had one
-- Returns 1, or 0 when it had
if ARGV[2] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HDEL', KEYS[1], 'next', 'rotation')
redis.call('HSET', KEYS[1], 'known', '1', 'current', ARGV[1])
return 1
