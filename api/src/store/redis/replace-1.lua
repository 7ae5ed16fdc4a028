-- Compare-and-set of a string.
-- KEYS: the string
-- ARGV: what it has to be, what it becomes (empty: nothing, it goes), milliseconds that it is kept
-- Returns 1, or 0 when it is something else
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1
