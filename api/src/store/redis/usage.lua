-- Put before the scripts that change sessions. An agent's hash counts what its live sessions use, in whole numbers (sessions, millionths of
-- CPUs, bytes), so that adding and subtracting never drifts. Every value of a hash is JSON; numbers are as Redis counts them.
local RESTING = { ['"hibernated"'] = true, ['"failed"'] = true, ['"gone"'] = true }

local function micro(cpu)
  return math.floor(tonumber(cpu) * 1000000 + 0.5)
end

local function takes(session)
  local now = redis.call('HMGET', session, 'state', 'cpu', 'memory')
  if not now[1] or RESTING[now[1]] then return 0, 0, 0, now[1] end
  return 1, micro(now[2]), tonumber(now[3]), now[1]
end

local function add(agent, sessions, cpu, memory)
  if sessions ~= 0 then redis.call('HINCRBY', agent, 'used_sessions', sessions) end
  if cpu ~= 0 then redis.call('HINCRBY', agent, 'used_cpu', cpu) end
  if memory ~= 0 then redis.call('HINCRBY', agent, 'used_memory', memory) end
end

-- Writes fields (name, value, name, value, …) of a session; one that is gone is forgotten after a while.
local function put_session(agent, session, fields, gone_ms)
  local sessions, cpu, memory, before = takes(session)
  if #fields > 0 then redis.call('HSET', session, unpack(fields)) end
  local sessions_now, cpu_now, memory_now, after = takes(session)
  add(agent, sessions_now - sessions, cpu_now - cpu, memory_now - memory)
  if after == '"gone"' then
    if before ~= after then redis.call('PEXPIRE', session, gone_ms) end
  elseif before == '"gone"' then
    redis.call('PERSIST', session)
  end
end

-- Whether there is room for so much more within the limits.
local function fits(agent, cpu, memory, max_sessions, max_cpu, max_memory)
  local used = redis.call('HMGET', agent, 'used_sessions', 'used_cpu', 'used_memory')
  return tonumber(used[1] or 0) < tonumber(max_sessions)
    and tonumber(used[2] or 0) + micro(cpu) <= micro(max_cpu)
    and tonumber(used[3] or 0) + tonumber(memory) <= tonumber(max_memory)
end

-- At the tail of the agent's queue.
local function enqueue(agent, queue, command, id, fields)
  redis.call('HSET', command, unpack(fields))
  redis.call('ZADD', queue, redis.call('HINCRBY', agent, 'accepted', 1), id)
end
