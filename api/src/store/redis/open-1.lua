-- Commands of an agent that are not final.
-- KEYS: its queue
-- ARGV: what the key of a command begins with
-- Returns a JSON list, oldest first
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  found[#found + 1] = record(ARGV[1] .. id) or nil
end
return '[' .. table.concat(found, ',') .. ']'
