-- Forgets a session; who was about to make it with an idempotency key does not bring it back.
-- KEYS: agent, its sessions, the session, the mark of a session that must not be made
-- ARGV: session id, milliseconds that the mark stands
local sessions, cpu, memory = takes(KEYS[3])
add(KEYS[1], -sessions, -cpu, -memory)
redis.call('DEL', KEYS[3])
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('SET', KEYS[4], 'removed', 'PX', ARGV[2])
