import { Redis } from 'ioredis';
import type { Effect } from '@streamspace/testkit';
import type { SessionSpec, SessionStatus } from '@streamspace/protocol';

/**
 * One step of the platform, as Kubernetes would do it: a name exists once, an object carries the command that made it, and a call
 * with a lower term than the session has seen is refused. Tombstones keep the term. A list has one entry for each effect.
 * KEYS sessions, effects. ARGV op, agent, session, command, term, spec. Returns `done`, `again`, `exists`, `superseded`.
 */
const APPLY = `
local seen = redis.call('HGET', KEYS[1], ARGV[3])
local now = seen and cjson.decode(seen) or nil
local term = tonumber(ARGV[5])
if now and term < now.term then return 'superseded' end
local effect = cjson.encode({ op = ARGV[1], agent = ARGV[2], session = ARGV[3], command = ARGV[4], term = term })
if ARGV[1] == 'create' then
  if now and now.live then
    if now.command ~= ARGV[4] then return 'exists' end
    now.term = term
    redis.call('HSET', KEYS[1], ARGV[3], cjson.encode(now))
    return 'again'
  end
  redis.call('HSET', KEYS[1], ARGV[3],
    cjson.encode({ live = true, term = term, command = ARGV[4], agent = ARGV[2], spec = ARGV[6] }))
else
  if not (now and now.live) then
    redis.call('HSET', KEYS[1], ARGV[3], cjson.encode({ live = false, term = term, command = ARGV[4], agent = ARGV[2] }))
    return 'again'
  end
  redis.call('HSET', KEYS[1], ARGV[3], cjson.encode({ live = false, term = term, command = ARGV[4], agent = ARGV[2] }))
end
redis.call('RPUSH', KEYS[2], effect)
return 'done'
`;

type Applied = 'done' | 'again' | 'exists' | 'superseded';

/** The platform of a chaos run: a separate Redis without faults, so that effects can be counted. */
export class World {
  readonly #redis: Redis;

  constructor(port: number) {
    this.#redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null });
    this.#redis.on('error', () => {});
  }

  async apply(op: Effect['op'], about: Omit<Effect, 'op'>, spec?: SessionSpec): Promise<Applied> {
    const { agent, session, command, term } = about;
    return (await this.#redis.eval(
      APPLY,
      2,
      'sessions',
      'effects',
      op,
      agent,
      session,
      command,
      term,
      spec === undefined ? '' : JSON.stringify(spec),
    )) as Applied;
  }

  async live(agent?: string): Promise<SessionStatus[]> {
    const all = Object.values(await this.#redis.hgetall('sessions')).map(
      (text) => JSON.parse(text) as { live: boolean; agent: string; spec: string },
    );
    return all
      .filter((each) => each.live && (agent === undefined || each.agent === agent))
      .map(({ spec }) => ({ spec: JSON.parse(spec) as SessionSpec, state: 'running' }));
  }

  async effects(): Promise<Effect[]> {
    return (await this.#redis.lrange('effects', 0, -1)).map((text) => JSON.parse(text) as Effect);
  }

  close(): void {
    this.#redis.disconnect();
  }
}
