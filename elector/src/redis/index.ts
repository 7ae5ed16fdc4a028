import { randomUUID } from 'node:crypto';
import { abortable, type Clock, iso, outcomeOf, pause, sleep, withDeadline } from 'clock-port';
import { Redis, type RedisOptions } from 'ioredis';
import { ConflictError, LockError, type Candidate, type LeaseRecord, type LeaseState, type Lock } from '../lock.ts';
import { termOf } from '../term.ts';
import { ANNOUNCE, CANDIDATES, CREATE, UPDATE } from './scripts.ts';

export interface RedisLockOptions {
  /** `redis://` or `rediss://`, or ioredis' own options (Sentinel). */
  readonly redis: string | Omit<RedisOptions, 'replyMapping'>;
  readonly clock: Clock;
  /** The lease's name: part of its keys. */
  readonly name: string;
  readonly onError?: (error: Error) => void;
}

/** Milliseconds between two polls of a watch: Redis does not announce a deleted key, and does not keep messages for absent subscribers. */
const LOOK_PERIOD_MS = 1000;
/** Longest duration of a poll before the watch counts as dead, milliseconds. */
const LOOK_DEADLINE_MS = 3000;
const CONNECT_DEADLINE_MS = 5000;
const ANNOUNCE_PERIOD_MS = 5000;
const ANNOUNCED_FOR_S = 15;
const MAX_RECONNECT_DELAY_MS = 1000;

/**
 * A lease in Redis or Valkey. It does not expire there: observers use their own clocks, and the term outlives the holder. A
 * failover to a lagging replica can undo the last writes; terms make that safe, but not invisible.
 */
export class RedisLock implements Lock {
  readonly name: string;
  readonly #options: RedisLockOptions;
  readonly #redis: Redis;
  readonly #key: string;
  readonly #channel: string;
  readonly #members: string;

  constructor(options: RedisLockOptions) {
    this.name = options.name;
    this.#options = options;
    // one hash tag: the keys of a lease live on one node of a cluster
    this.#key = `{lease:${options.name}}`;
    this.#channel = `${this.#key}:changes`;
    this.#members = `${this.#key}:members`;
    this.#redis = this.#connection();
  }

  /** Closes the connection. */
  close(): void {
    this.#redis.disconnect();
  }

  async read(signal: AbortSignal): Promise<LeaseState | undefined> {
    await this.#connected(this.#redis, signal);
    const [version, text] = await abortable(signal, () => this.#redis.hmget(this.#key, 'version', 'record'));
    if (!version) return undefined;
    const record = parse(text ?? '');
    if (!record) throw new LockError(`${this.#key} holds no lease`);
    return { record, version };
  }

  async create(record: LeaseRecord, signal: AbortSignal): Promise<string> {
    const version = randomUUID();
    const done = await this.#run(CREATE, [this.#key, this.#channel], [version, JSON.stringify(record)], signal);
    if (done !== 1) throw new ConflictError('the lease exists already');
    return version;
  }

  async update(record: LeaseRecord, version: string, signal: AbortSignal): Promise<string> {
    const next = randomUUID();
    const done = await this.#run(UPDATE, [this.#key, this.#channel], [next, JSON.stringify(record), version], signal);
    if (done !== 1) throw new ConflictError('the lease is not at the version named');
    return next;
  }

  async watch(onChange: (state: LeaseState | undefined) => void, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const subscriber = this.#connection();
    const broken = new AbortController();
    const end = AbortSignal.any([signal, broken.signal]);
    let last: string | undefined = 'nothing yet';
    const tell = (state: LeaseState | undefined) => {
      if (state?.version === last || end.aborted) return;
      last = state?.version;
      onChange(state);
    };
    subscriber.on('close', () => broken.abort(new LockError('the connection of the watch broke')));
    try {
      await this.#connected(subscriber, end);
      subscriber.on('message', (_, message: string) => {
        const at = message.indexOf(' ');
        const record = parse(message.slice(at + 1));
        if (record) tell({ record, version: message.slice(0, at) });
      });
      await abortable(end, () => subscriber.subscribe(this.#channel));
      for (;;) {
        const before: string | undefined = last;
        const state = await withDeadline(clock, LOOK_DEADLINE_MS, 'look at the lease', end, (s) => this.read(s));
        // a message received meanwhile is newer
        if (last === before) tell(state);
        await sleep(clock, LOOK_PERIOD_MS, end);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      subscriber.disconnect();
    }
  }

  async announce(identity: string, signal: AbortSignal): Promise<void> {
    const { clock, onError } = this.#options;
    const since = iso(clock.now());
    while (!signal.aborted) {
      try {
        await this.#run(ANNOUNCE, [this.#members], [identity, since], signal);
      } catch (error) {
        if (!signal.aborted) onError?.(error as Error);
      }
      await pause(clock, ANNOUNCE_PERIOD_MS, signal);
    }
    // if this fails, the entry expires by itself
    await withDeadline(clock, LOOK_DEADLINE_MS / 6, 'withdrawal', undefined, (s) =>
      abortable(s, () => this.#redis.hdel(this.#members, identity)),
    ).catch(() => undefined);
  }

  async candidates(signal: AbortSignal): Promise<Candidate[]> {
    const flat = (await this.#run(CANDIDATES, [this.#members], [String(ANNOUNCED_FOR_S)], signal)) as string[];
    const found: Candidate[] = [];
    for (let i = 0; i + 1 < flat.length; i += 2) found.push({ identity: flat[i]!, since: flat[i + 1]! });
    return found.toSorted((a, b) => (a.since < b.since ? -1 : 1));
  }

  async #run(script: string, keys: string[], args: string[], signal: AbortSignal): Promise<unknown> {
    await this.#connected(this.#redis, signal);
    return abortable(signal, () => this.#redis.eval(script, keys.length, ...keys, ...args));
  }

  /** A client that reconnects by itself, and fails a command that can't be sent at once instead of sending it late. */
  #connection(): Redis {
    const { redis, onError } = this.#options;
    const options = {
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 10), MAX_RECONNECT_DELAY_MS),
    };
    const client = typeof redis === 'string' ? new Redis(redis, options) : new Redis({ ...redis, ...options });
    client.on('error', (error) => onError?.(error));
    return client;
  }

  async #connected(redis: Redis, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (redis.status === 'ready') return;
    await withDeadline(this.#options.clock, CONNECT_DEADLINE_MS, 'connection to Redis', signal, async (s) => {
      if (redis.status === 'wait' || redis.status === 'end') redis.connect().catch(() => undefined);
      await outcomeOf(s, (resolve) => {
        const onReady = () => resolve();
        redis.once('ready', onReady);
        return () => redis.off('ready', onReady);
      });
    });
  }
}

function parse(text: string): LeaseRecord | undefined {
  try {
    const value = JSON.parse(text) as Partial<LeaseRecord> | null;
    return value && typeof value.holder === 'string'
      ? { ...(value as LeaseRecord), term: termOf(value.term) }
      : undefined;
  } catch {
    return undefined;
  }
}
