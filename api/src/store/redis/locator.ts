import { LRUCache } from 'lru-cache';
import type { RedisConnection } from './connection.ts';
import { RETENTION, KEYS } from './keys.ts';
import { SCRIPTS } from './scripts.ts';

/** Most ids whose agent is remembered here. */
const MAX_REMEMBERED = 20_000;

/**
 * The agent of a session or command, and so the place of its data. A separate index, written before the entries that it points to, so that no
 * existing entry is ever unfindable; an index entry that points to nothing does no harm. A session never moves to another agent.
 */
export class Locator {
  readonly #connection: RedisConnection;
  readonly #remembered = new LRUCache<string, string>({ max: MAX_REMEMBERED });

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  session(id: string): Promise<string | undefined> {
    return this.#find(KEYS.agentOfSession(id));
  }

  command(id: string): Promise<string | undefined> {
    return this.#find(KEYS.agentOfCommand(id));
  }

  async addCommand(id: string, agent: string): Promise<void> {
    const key = KEYS.agentOfCommand(id);
    await this.#connection.do((client) => client.set(key, agent, 'PX', RETENTION.commandIndexMs));
    this.#remembered.set(key, agent);
  }

  rememberCommand(id: string, agent: string): void {
    this.#remembered.set(KEYS.agentOfCommand(id), agent);
  }

  /** Called after the command is final. Nothing waits for this: the entry would expire in any case. */
  async forgetCommand(id: string): Promise<void> {
    const key = KEYS.agentOfCommand(id);
    this.#remembered.delete(key);
    await this.#connection.do((client) => client.pexpire(key, RETENTION.finalCommandsMs)).catch(() => undefined);
  }

  /** Returns the agent of the session: another one than given if the session was added for that one before. */
  async addSession(id: string, agent: string, user: string): Promise<string> {
    const key = KEYS.agentOfSession(id);
    const [before] = await Promise.all([
      this.#connection.do((client) => client.set(key, agent, 'NX', 'GET')),
      this.#connection.do((client) => client.sadd(KEYS.agents, agent)),
      this.#connection.run(SCRIPTS.index, [KEYS.sessionsOfUser(user)], [`${agent} ${id}`]),
    ]);
    return before ?? agent;
  }

  rememberSession(id: string, agent: string): void {
    this.#remembered.set(KEYS.agentOfSession(id), agent);
  }

  async moveSession(id: string, agent: string): Promise<void> {
    this.#remembered.delete(KEYS.agentOfSession(id));
    await this.#connection.do((client) => client.set(KEYS.agentOfSession(id), agent));
  }

  /** Best effort. */
  async forgetSession(id: string, agent: string, user: string): Promise<void> {
    const key = KEYS.agentOfSession(id);
    this.#remembered.delete(key);
    await Promise.all([
      this.#connection.do((client) => client.del(key)),
      this.#connection.do((client) => client.zrem(KEYS.sessionsOfUser(user), `${agent} ${id}`)),
    ]).catch(() => undefined);
  }

  agents(): Promise<string[]> {
    return this.#connection.do((client) => client.smembers(KEYS.agents));
  }

  async sessionsOf(user: string): Promise<{ agent: string; id: string; entry: string }[]> {
    const entries = await this.#connection.do((client) => client.zrange(KEYS.sessionsOfUser(user), '0', '-1'));
    return entries.map((entry) => {
      const at = entry.indexOf(' ');
      return { agent: entry.slice(0, at), id: entry.slice(at + 1), entry };
    });
  }

  /** Drops index entries that point to nothing and are not young. Best effort. */
  async prune(user: string, entries: readonly string[]): Promise<void> {
    if (entries.length === 0) return;
    const args = [RETENTION.youngMs, ...entries.slice(0, 1_000)];
    await this.#connection.run(SCRIPTS.prune, [KEYS.sessionsOfUser(user)], args).catch(() => undefined);
  }

  async #find(key: string): Promise<string | undefined> {
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const agent = await this.#connection.do((client) => client.get(key));
    if (agent === null) return undefined;
    this.#remembered.set(key, agent);
    return agent;
  }
}
