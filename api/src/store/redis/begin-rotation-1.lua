-- A second credential beside the current one.
-- KEYS: credential
-- ARGV: hash of the next token, rotation
if redis.call('HEXISTS', KEYS[1], 'current') == 1 then
  redis.call('HSET', KEYS[1], 'next', ARGV[1], 'rotation', ARGV[2])
end
