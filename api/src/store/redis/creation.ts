import { type Session, StreamSpaceError } from '@streamspace/protocol';
import type { CommandRecord, QuotaCheck, Reservation, SessionStore } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { fields, record } from './hashes.ts';
import { RETENTION, KEYS } from './keys.ts';
import type { Locator } from './locator.ts';
import { quotaArgument, overQuota } from './quota.ts';
import { SCRIPTS } from './scripts.ts';

interface Pair {
  session: Session;
  command: CommandRecord;
}

/** The value of an idempotency key. */
interface Remembered extends Pair {
  reservation: Reservation;
  /** The pair was made. If false, it is being made, or its maker has died: any request with this key makes exactly this pair. */
  done: boolean;
}

type Made = 'created' | 'exists' | 'at_capacity' | StreamSpaceError;

/** Most rounds against concurrent changes of the same key. */
const ROUNDS = 5;

/**
 * Creates sessions. A session is one step on its agent's data, but an idempotency key is in another place, because a repeat may choose another
 * agent. So the key is taken first, with the whole pair in it; then the pair is made (once: by its ids); then the key is marked as done.
 */
export function creation(connection: RedisConnection, locator: Locator): Pick<SessionStore, 'create' | 'created'> {
  /** The current pair; durable, even if its maker got no confirmation. Undefined if it does not exist (yet, or any more). */
  const current = async ({ session, command }: Pair): Promise<Pair | undefined> => {
    const { agent, id } = session;
    const keys = [KEYS.agent(agent), KEYS.session(agent, id)];
    const now = record<Session>(
      await connection.runDurably(SCRIPTS.update, keys, ['', fields({ id }), RETENTION.goneSessionsMs]),
    );
    if (now === undefined) return undefined;
    const found = await connection.run(SCRIPTS.get, [KEYS.command(agent, command.id)], []);
    return { session: now, command: record<CommandRecord>(found) ?? command };
  };

  const make = async (
    { session, command }: Pair,
    { maxSessions, cpu, memory }: Reservation,
    quota: QuotaCheck | undefined,
    keyed: boolean,
  ): Promise<Made> => {
    const { agent, id, user } = session;
    if (quota !== undefined) connection.requireOneNode('quotas');
    // on a Cluster the indexes may be on other nodes: write them before the entries that they point to
    if (!connection.oneNode)
      await Promise.all([locator.addSession(id, agent, user), locator.addCommand(command.id, agent)]);
    const indexes = [KEYS.agentOfSession(id), KEYS.agentOfCommand(command.id), KEYS.agents, KEYS.sessionsOfUser(user)];
    const keys = [
      KEYS.agent(agent),
      KEYS.sessions(agent),
      KEYS.session(agent, id),
      KEYS.queue(agent),
      KEYS.command(agent, command.id),
      KEYS.unwanted(agent, id),
      ...(connection.oneNode ? indexes : []),
    ];
    const stands = keyed ? RETENTION.creatingMs : 0;
    const room = [maxSessions, cpu, memory];
    const kept = [stands, RETENTION.goneSessionsMs, RETENTION.commandIndexMs];
    const args = [id, command.id, fields(session), fields(command), ...room, ...kept, agent];
    args.push(quota === undefined ? '' : quotaArgument(quota));
    const answer = await connection.runDurably(SCRIPTS.create, keys, args);
    const made = (quota && overQuota(answer, quota)) ?? (answer as 'created' | 'exists' | 'at_capacity');
    if (made === 'created' || made === 'exists') {
      locator.rememberSession(id, agent);
      locator.rememberCommand(command.id, agent);
    } else if (!connection.oneNode)
      await Promise.all([locator.forgetSession(id, agent, user), locator.forgetCommand(command.id)]);
    return made;
  };

  return {
    async create(session, command, reservation, idempotencyKey, quota) {
      const mine: Pair = { session, command };
      if (idempotencyKey === undefined) {
        const made = await make(mine, reservation, quota, false);
        if (made instanceof StreamSpaceError) throw made;
        return made === 'at_capacity' ? made : { created: made === 'created', ...mine };
      }
      const key = KEYS.idempotency(session.user, idempotencyKey);
      const text = JSON.stringify({ ...mine, reservation, done: false } satisfies Remembered);
      for (let round = 0; round < ROUNDS; round += 1) {
        const before = await connection.do((client) => client.set(key, text, 'PX', RETENTION.creatingMs, 'NX', 'GET'));
        const wanted = before === null ? undefined : (JSON.parse(before) as Remembered);
        if (wanted !== undefined) {
          const there = await current(wanted);
          if (there !== undefined) return { created: false, ...there };
          if (wanted.done) {
            // the session is gone for good: the key is free
            await replace(key, before!, text, RETENTION.creatingMs);
            continue;
          }
        }
        const pair = wanted ?? { ...mine, reservation };
        const made = await make(pair, pair.reservation, quota, true);
        if (made === 'at_capacity' || made instanceof StreamSpaceError) {
          await replace(key, before ?? text, '', 0);
          if (made === 'at_capacity') return made;
          throw made;
        }
        const { session: theirs, command: first } = pair;
        const done = JSON.stringify({ session: theirs, command: first, reservation, done: true } satisfies Remembered);
        // if this write fails, a repeat still makes no second pair
        await replace(key, before ?? text, done, RETENTION.idempotencyMs).catch(() => undefined);
        const now = made === 'created' ? pair : ((await current(pair)) ?? pair);
        return { created: made === 'created', session: { ...now.session }, command: { ...now.command } };
      }
      return 'at_capacity';
    },

    async created(user, idempotencyKey) {
      const text = await connection.do((client) => client.get(KEYS.idempotency(user, idempotencyKey)));
      return text === null ? undefined : current(JSON.parse(text) as Remembered);
    },
  };

  async function replace(key: string, before: string, after: string, keptMs: number): Promise<void> {
    await connection.run(SCRIPTS.replace, [key], [before, after, keptMs]);
  }
}
