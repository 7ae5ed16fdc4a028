-- A session and its first command, if the agent has room and is not drained.
-- KEYS: agent, its sessions, the session, its queue, the command, the mark of a session that must not be made (any more); where they are on the
--   same server, the indexes too: agent of the session, agent of the command, agents, sessions of the user
-- ARGV: session id, command id, session's fields, command's fields (JSON lists of name, value, …), most sessions, CPUs, memory,
--   milliseconds that a refusal stands (0: others don't try the same id), milliseconds that a session that is gone is kept,
--   milliseconds that the command's index is kept, agent id, quota (quota.lua; on one server only) or empty
-- Returns created | exists | at_capacity | over_quota with the user's use
if redis.call('EXISTS', KEYS[3]) == 1 then return 'exists' end
local stands = tonumber(ARGV[8])
if stands > 0 and redis.call('EXISTS', KEYS[6]) == 1 then return 'at_capacity' end
local over = ARGV[12] ~= '' and over_quota(KEYS[10], ARGV[12])
if over then
  if stands > 0 then redis.call('SET', KEYS[6], 'refused', 'PX', stands) end
  return over
end
local fields = cjson.decode(ARGV[3])
local wanted = {}
for i = 1, #fields, 2 do wanted[fields[i]] = fields[i + 1] end
if redis.call('HGET', KEYS[1], 'draining') == 'true'
  or not fits(KEYS[1], wanted.cpu, wanted.memory, ARGV[5], ARGV[6], ARGV[7]) then
  if stands > 0 then redis.call('SET', KEYS[6], 'refused', 'PX', stands) end
  return 'at_capacity'
end
if KEYS[7] then
  local now = redis.call('TIME')
  redis.call('SET', KEYS[7], ARGV[11])
  redis.call('SET', KEYS[8], ARGV[11], 'PX', ARGV[10])
  redis.call('SADD', KEYS[9], ARGV[11])
  redis.call('ZADD', KEYS[10], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[11] .. ' ' .. ARGV[1])
end
put_session(KEYS[1], KEYS[3], fields, ARGV[9])
redis.call('SADD', KEYS[2], ARGV[1])
enqueue(KEYS[1], KEYS[4], KEYS[5], ARGV[2], cjson.decode(ARGV[4]))
return 'created'
