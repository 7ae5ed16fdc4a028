-- Learns a session, unless it is known.
-- KEYS: agent, its sessions, the session
-- ARGV: session id, fields (JSON list of name, value, …), milliseconds that a session that is gone is kept
-- Returns the session's JSON, as it is now
if redis.call('EXISTS', KEYS[3]) == 0 then
  put_session(KEYS[1], KEYS[3], cjson.decode(ARGV[2]), ARGV[3])
  redis.call('SADD', KEYS[2], ARGV[1])
end
return record(KEYS[3])
