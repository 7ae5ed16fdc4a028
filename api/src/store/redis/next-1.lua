-- A page of the commands of an agent that are not final.
-- KEYS: its queue
-- ARGV: what the key of a command begins with, the place behind which to begin, how many
-- Returns a JSON list, oldest first, and the place of the last as text
local found = {}
local last = ARGV[2]
local entries = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for i = 1, #entries, 2 do
  found[#found + 1] = record(ARGV[1] .. entries[i]) or nil
  last = entries[i + 1]
end
return { '[' .. table.concat(found, ',') .. ']', last }
