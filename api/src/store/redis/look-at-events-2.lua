-- Where the events are. Another server than before (after a failover, or a restart) may have lost the last of them and give their ids again:
-- there the ids begin anew, so that who follows them sees a gap.
-- KEYS: events (a stream), the counter
-- ARGV: the server that was known (replication id), or empty
-- Returns the server, and the last id as text
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if ARGV[1] ~= '' and ARGV[1] ~= server then
  local now = redis.call('TIME')
  local id = now[1] * 1000000 + now[2]
  if tonumber(redis.call('GET', KEYS[2]) or 0) < id then redis.call('SET', KEYS[2], string.format('%.0f', id)) end
end
return { server, redis.call('GET', KEYS[2]) or '0' }
