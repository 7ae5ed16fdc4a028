// Every script runs as one step at the server. KEYS[1]: the lease, a hash of `record` (JSON) and `version` (a token that its writer made up
// and nobody makes up again). KEYS[2]: the channel that changes are told on, as `version record`.

/** ARGV: version, record. Returns 1, or 0 when there is a lease. */
export const CREATE = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'record', ARGV[2])
redis.call('PUBLISH', KEYS[2], ARGV[1] .. ' ' .. ARGV[2])
return 1`;

/** ARGV: version, record, version expected. Returns 1, or 0 when the lease is at another version or gone. */
export const UPDATE = `
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'record', ARGV[2])
redis.call('PUBLISH', KEYS[2], ARGV[1] .. ' ' .. ARGV[2])
return 1`;

/** KEYS[1]: the replicas, a hash of identity to `seconds since`. ARGV: identity, since. The server's clock counts. */
export const ANNOUNCE = `
redis.call('HSET', KEYS[1], ARGV[1], redis.call('TIME')[1] .. ' ' .. ARGV[2])
return 1`;

/** KEYS[1]: as above. ARGV: seconds after which a replica that did not announce itself is gone. Returns identity, since, identity, … */
export const CANDIDATES = `
local now = tonumber(redis.call('TIME')[1])
local all = redis.call('HGETALL', KEYS[1])
local live = {}
for i = 1, #all, 2 do
  local seen, since = string.match(all[i + 1], '^(%d+) (.*)$')
  if now - tonumber(seen) > tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[1], all[i])
  else
    live[#live + 1] = all[i]
    live[#live + 1] = since
  end
end
return live`;
