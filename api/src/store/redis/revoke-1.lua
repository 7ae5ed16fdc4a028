-- KEYS: credential; `known` stays, so that a token for new agents can't bring the agent back
redis.call('HDEL', KEYS[1], 'current', 'replica', 'next', 'rotation', 'others')
