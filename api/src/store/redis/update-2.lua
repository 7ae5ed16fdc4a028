-- Changes a session, if it is still as expected.
-- KEYS: agent, the session
-- ARGV: `updated_at` expected (JSON) or empty, fields (JSON list of name, value, …), milliseconds that a session that is gone is kept
-- Returns the session's JSON, or nothing on a miss or conflict
local before = redis.call('HGET', KEYS[2], 'updated_at')
if not before or (ARGV[1] ~= '' and before ~= ARGV[1]) then return false end
put_session(KEYS[1], KEYS[2], cjson.decode(ARGV[2]), ARGV[3])
return record(KEYS[2])
