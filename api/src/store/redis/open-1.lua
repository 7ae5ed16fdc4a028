-- Commands of an agent that are not final.
-- KEYS: its queue
-- ARGV: what the key of a command begins with
-- Returns hashes, oldest first
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  found[#found + 1] = redis.call('HGETALL', ARGV[1] .. id)
end
return found
