-- The only credential of an agent, or that of one of its replicas beside those of the others.
-- KEYS: credential, a hash of current, replica (whose that is), next, rotation, others (JSON, newest first); `known` stays for good
-- ARGV: hash of the token, 1: only if the agent never had one, replica (empty: no other keeps one), how many others may
-- Returns 1, or 0 when it had
if ARGV[2] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local others = {}
if ARGV[3] ~= '' then
  local now = redis.call('HMGET', KEYS[1], 'current', 'replica', 'others')
  local had = now[3] and cjson.decode(now[3]) or {}
  if now[1] then table.insert(had, 1, { replica = now[2] or '', hash = now[1] }) end
  for _, each in ipairs(had) do
    if each.replica ~= ARGV[3] and #others < tonumber(ARGV[4]) then table.insert(others, each) end
  end
else
  redis.call('HDEL', KEYS[1], 'next', 'rotation')
end
if #others > 0 then redis.call('HSET', KEYS[1], 'others', cjson.encode(others)) else redis.call('HDEL', KEYS[1], 'others') end
redis.call('HSET', KEYS[1], 'known', '1', 'current', ARGV[1], 'replica', ARGV[3])
return 1
