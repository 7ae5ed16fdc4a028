-- What both parts of a timeline have kept after an id.
-- KEYS: two streams
-- ARGV: first id
-- Returns the entries of the first, and those of the second
return { redis.call('XRANGE', KEYS[1], ARGV[1], '+'), redis.call('XRANGE', KEYS[2], ARGV[1], '+') }
