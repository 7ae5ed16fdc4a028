-- KEYS: the user's sign-ins, a hash
-- ARGV: fields; none: all
if #ARGV == 0 then return redis.call('DEL', KEYS[1]) end
return redis.call('HDEL', KEYS[1], unpack(ARGV))
