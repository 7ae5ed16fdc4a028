-- Drops entries of an index that point to nothing, unless they are young: what they point to may be on its way.
-- KEYS: the index, a sorted set by the server's milliseconds
-- ARGV: milliseconds that an entry is young, entry, entry, …
local old = redis.call('TIME')[1] * 1000 - tonumber(ARGV[1])
for i = 2, #ARGV do
  local written = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if written and tonumber(written) < old then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
