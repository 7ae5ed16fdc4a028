-- Notes that a user is disabled, or enabled again.
-- KEYS: disabled users, a hash; the field without a name counts its changes
-- ARGV: user, JSON about it (empty: enabled again), most users
-- Returns 1, or 0 if there are too many
if ARGV[2] == '' then
  if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 1 end
else
  if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) > tonumber(ARGV[3]) then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
redis.call('HINCRBY', KEYS[1], '', 1)
return 1
