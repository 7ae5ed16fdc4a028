-- A command at the tail of its agent's queue, and the change of its session that goes with it.
-- KEYS: agent, its queue, the command, the session (the command again: without a change); where it is on the same server, the index too:
--   agent of the command; with a quota: the sessions of the user
-- ARGV: command id, command's fields (JSON list of name, value, …), session's fields (the same) or empty: no change,
--   state and command that the session has to have (JSON) or empty, most sessions (empty: no reservation), CPUs, memory,
--   milliseconds that a session that is gone is kept, agent id, milliseconds that the command's index is kept,
--   quota (quota.lua) or empty
-- Returns appended | conflict | at_capacity | over_quota with the user's use
if ARGV[3] ~= '' then
  local session = redis.call('HMGET', KEYS[4], 'state', 'command', 'cpu', 'memory')
  if not session[1] then return 'conflict' end
  if ARGV[4] ~= '' and (session[1] ~= ARGV[4] or session[2] ~= ARGV[5]) then return 'conflict' end
  local over = ARGV[12] ~= '' and over_quota(KEYS[6], ARGV[12])
  if over then return over end
  if ARGV[6] ~= '' and not fits(KEYS[1], session[3], session[4], ARGV[6], ARGV[7], ARGV[8]) then return 'at_capacity' end
  put_session(KEYS[1], KEYS[4], cjson.decode(ARGV[3]), ARGV[9])
end
if KEYS[5] then redis.call('SET', KEYS[5], ARGV[10], 'PX', ARGV[11]) end
enqueue(KEYS[1], KEYS[2], KEYS[3], ARGV[1], cjson.decode(ARGV[2]))
return 'appended'
