-- Put before the scripts that make or wake sessions, after usage.lua. The use of a user is counted from the sessions themselves, in the step that adds
-- to it: a counter of its own could differ from their states.

local function its_use(index, user, before, between)
  local use = { sessions = 0, running = 0, cpu = 0, memory = 0, storage = 0 }
  for _, entry in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local agent, id = string.match(entry, '^(%S+) (%S+)$')
    local now = redis.call('HMGET', before .. agent .. between .. id, 'state', 'cpu', 'memory', 'storage', 'user')
    if now[1] and now[1] ~= '"gone"' and now[5] == user then
      use.sessions = use.sessions + 1
      use.storage = use.storage + tonumber(now[4])
      if not RESTING[now[1]] then
        use.running = use.running + 1
        use.cpu = use.cpu + micro(now[2])
        use.memory = use.memory + tonumber(now[3])
      end
    end
  end
  return use
end

-- What the user's sessions use (a list, CPUs in millionths), if `added` would make it too much; nil: it fits.
-- quota: JSON of user (JSON), limits, added, and what the key of a session has before and behind its agent
local function over_quota(index, text)
  local quota = cjson.decode(text)
  local use = its_use(index, quota.user, quota.before, quota.between)
  for kind, limit in pairs(quota.limits) do
    local more = quota.added[kind]
    if more > 0 and use[kind] + more > limit then
      return { 'over_quota', use.sessions, use.running, use.cpu, use.memory, use.storage }
    end
  end
  return nil
end
