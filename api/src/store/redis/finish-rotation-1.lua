-- The next credential becomes the only one, whichever replica has it.
-- KEYS: credential
-- ARGV: rotation
-- Returns its hash, or nothing when that rotation is not under way
local now = redis.call('HMGET', KEYS[1], 'rotation', 'next')
if now[1] ~= ARGV[1] then return false end
redis.call('HSET', KEYS[1], 'current', now[2])
redis.call('HDEL', KEYS[1], 'next', 'rotation', 'replica', 'others')
return now[2]
