-- All sessions of an agent.
-- KEYS: its sessions (ids)
-- ARGV: what the key of a session begins with
-- Returns a JSON list; ids of sessions that have expired are dropped on the way
local found = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local session = record(ARGV[1] .. id)
  if session then found[#found + 1] = session else redis.call('SREM', KEYS[1], id) end
end
return '[' .. table.concat(found, ',') .. ']'
