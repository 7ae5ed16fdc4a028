-- A credential that is in use becomes the newest: the last to give way to those of other replicas.
-- KEYS: credential, as in set-credential-1.lua
-- ARGV: hash of the token
-- Returns 1, or 0 when it is the newest, or none
local now = redis.call('HMGET', KEYS[1], 'current', 'replica', 'others')
if not now[1] or not now[3] or now[1] == ARGV[1] then return 0 end
local others = cjson.decode(now[3])
for place, each in ipairs(others) do
  if each.hash == ARGV[1] then
    table.remove(others, place)
    table.insert(others, 1, { replica = now[2] or '', hash = now[1] })
    redis.call('HSET', KEYS[1], 'current', each.hash, 'replica', each.replica, 'others', cjson.encode(others))
    return 1
  end
end
return 0
