-- Tells a hub something, if it listens now.
-- KEYS: its stream
-- ARGV: message (JSON), how many are kept, milliseconds that they are
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'signal', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
