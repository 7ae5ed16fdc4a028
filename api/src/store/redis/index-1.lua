-- Adds to, and reads, an index whose entries are written before what they point to: when each was written says when it may be dropped.
-- KEYS: the index, a sorted set by the server's milliseconds
-- ARGV: entry
local now = redis.call('TIME')
redis.call('ZADD', KEYS[1], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[1])
