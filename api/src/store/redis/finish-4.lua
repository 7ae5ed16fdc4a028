-- A final state, and what becomes of the session if this command is still its latest.
-- KEYS: agent, its queue, its final commands (a list of ids, newest first), the command
-- ARGV: command id, attempt (empty: whatever it is), connection (JSON), command's fields (JSON list of name, value, …), session's fields
--   (the same) or empty, what the key of a session begins with, and that of a command, milliseconds that a final command is kept, how
--   many of them, milliseconds that a session that is gone is kept
-- Returns the JSON of the command and of the session, if it was changed; or nothing
local now = redis.call('HMGET', KEYS[4], 'state', 'attempt', 'connection_id', 'session')
if not now[1] or now[1] == '"completed"' or now[1] == '"failed"' then return false end
if ARGV[2] ~= '' then
  if now[2] ~= ARGV[2] or now[3] ~= ARGV[3] then return false end
  if redis.call('HGET', KEYS[1], 'connection_id') ~= ARGV[3] then return false end
end
local changed = false
if ARGV[5] ~= '' and now[4] and now[4] ~= 'null' then
  local session = ARGV[6] .. cjson.decode(now[4])
  local its = redis.call('HMGET', session, 'command', 'state')
  if its[1] == '"' .. ARGV[1] .. '"' and its[2] ~= '"gone"' then
    put_session(KEYS[1], session, cjson.decode(ARGV[5]), ARGV[10])
    changed = record(session)
  end
end
redis.call('HSET', KEYS[4], unpack(cjson.decode(ARGV[4])))
redis.call('PEXPIRE', KEYS[4], ARGV[8])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('LPUSH', KEYS[3], ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[8])
while redis.call('LLEN', KEYS[3]) > tonumber(ARGV[9]) do
  redis.call('UNLINK', ARGV[7] .. redis.call('RPOP', KEYS[3]))
end
return { record(KEYS[4]), changed }
