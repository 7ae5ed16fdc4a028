-- Compare-and-set of one sign-in.
-- KEYS: the user's sign-ins, a hash
-- ARGV: the field, what it has to be, what it becomes
-- Returns 1, or 0 when it is something else
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
