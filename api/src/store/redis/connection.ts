import { StreamSpaceError } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import { Redis } from 'ioredis';
import { type Client, type ClientOptions, COMMAND_MS, openClient, withoutCommand } from './client.ts';
import { runScript, runScriptAndWait, waitFor } from './evaluate.ts';
import { StoreReplicas } from './replicas.ts';
import { onReturn } from './returns.ts';
import type { Script } from './scripts.ts';

export interface ConnectionOptions extends ClientOptions {
  readonly clock: Clock;
  /** Number of replicas that must have a durable step before it counts; 0: the primary alone. */
  readonly waitReplicas: number;
  /** Longest wait for them, milliseconds. */
  readonly waitMs: number;
}

/** Longest step, including the connection, milliseconds. */
const STEP_MS = 2 * COMMAND_MS;
/** Most steps in progress; further ones are refused. */
const MAX_STEPS = 10_000;
/** `WAIT` blocks its connection until the replicas have answered: durable steps take turns on this many separate connections. */
const DURABLE_CLIENTS = 4;
/** Wait for the replicas in steps that count without them, milliseconds: short, because these steps share the durable connections. */
const WISH_MS = 100;
/** Most of these steps at once; further ones don't wait for replicas. */
const MAX_WISHES = 4 * DURABLE_CLIENTS;

/**
 * The connection to the servers. Every failure is `store_unavailable`, within a few seconds; at once if the servers have been away for that
 * long. Recovers by itself.
 */
export class RedisConnection {
  readonly #options: ConnectionOptions;
  readonly #client: Client;
  readonly #durable: readonly Client[];
  /** Monotonic time at which a client stopped being ready. */
  readonly #away = new Map<Client, number>();
  readonly #replicas: StoreReplicas;
  #wishes = 0;
  #steps = 0;
  #turn = 0;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#client = this.#open();
    this.#replicas = new StoreReplicas(options.clock, this.#client);
    this.#durable =
      options.waitReplicas === 0 ? [this.#client] : Array.from({ length: DURABLE_CLIENTS }, () => this.#open());
  }

  /** Whether all keys are on one server: then a script may use any of them. */
  get oneNode(): boolean {
    return this.#options.address.kind !== 'cluster';
  }

  /** Throws where the keys are on several servers: `what` needs a step that uses keys of all of them. */
  requireOneNode(what: string): void {
    if (!this.oneNode) throw new Error(`${what} need a store on one server, not a Cluster`);
  }

  /** A separate client, for blocking reads. The caller disconnects it. */
  another(): Client {
    return openClient(this.#options);
  }

  /** Runs commands; rejects with `store_unavailable`. */
  do<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return this.#step(this.#client, work);
  }

  /** Runs a script as one step. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#step(this.#client, (client) => runScript(client, script, keys, args));
  }

  /**
   * Runs a script that writes; resolves when the required number of replicas has the result. After a rejection, the write may or may not have
   * happened.
   */
  async runDurably(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const { waitReplicas, waitMs } = this.#options;
    const { result, replicas } = await this.#runAndWait(script, keys, args, waitMs);
    if (replicas < waitReplicas) throw tooFew(replicas, waitReplicas, waitMs);
    return result;
  }

  /**
   * Runs a script that writes, and returns whether the required number of replicas has the result. Waits only briefly for them, and not at all
   * after they were missing.
   */
  async runSoonDurable(
    script: Script,
    keys: readonly [string, ...string[]],
    args: readonly (string | number)[],
  ): Promise<{ result: unknown; durable: boolean }> {
    const { waitReplicas, waitMs } = this.#options;
    const node = this.#replicas.nodeOf(keys[0]);
    if (waitReplicas > 0 && (this.#replicas.missing(node) || this.#wishes >= MAX_WISHES))
      return { result: await this.run(script, keys, args), durable: false };
    this.#wishes += 1;
    try {
      const { result, replicas } = await this.#runAndWait(script, keys, args, Math.min(waitMs, WISH_MS));
      const durable = replicas >= waitReplicas;
      if (!durable) this.#replicas.missed(node);
      return { result, durable };
    } finally {
      this.#wishes -= 1;
    }
  }

  /**
   * Runs a script that reads; resolves when the required number of replicas has the state that it read: then no failover can undo that state.
   */
  async runLasting(
    script: Script,
    keys: readonly [string, ...string[]],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const { waitReplicas, waitMs } = this.#options;
    if (waitReplicas === 0) return this.run(script, keys, args);
    const node = this.#replicas.nodeOf(keys[0]);
    // after the replicas were missing, one wait serves all callers
    if (this.#replicas.missing(node)) await this.#replicas.together(node, () => this.#replicasAreThere(keys[0]));
    const { result, replicas } = await this.#runAndWait(script, keys, args, waitMs);
    if (replicas >= waitReplicas) return result;
    this.#replicas.missed(node);
    throw tooFew(replicas, waitReplicas, waitMs);
  }

  /** Calls back whenever the servers return after an outage, or another one has taken over. */
  onReturn(callback: () => void, signal: AbortSignal): void {
    onReturn(this.#client, callback, signal);
  }

  close(): void {
    this.#closed = true;
    for (const client of new Set([this.#client, ...this.#durable])) client.disconnect();
  }

  #replicasAreThere(key: string): Promise<void> {
    const { waitReplicas, waitMs } = this.#options;
    const wait = async (client: Client) => {
      const replicas = await waitFor(client, key, waitReplicas, waitMs);
      if (replicas < waitReplicas) throw tooFew(replicas, waitReplicas, waitMs);
      this.#replicas.found(this.#replicas.nodeOf(key));
    };
    return this.#step(this.#nextDurable(), wait, waitMs);
  }

  #runAndWait(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    waitMs: number,
  ): Promise<{ result: unknown; replicas: number }> {
    const { waitReplicas } = this.#options;
    const client = this.#nextDurable();
    if (waitReplicas === 0)
      return this.#step(client, async (each) => ({ result: await runScript(each, script, keys, args), replicas: 0 }));
    return this.#step(client, (each) => runScriptAndWait(each, script, keys, args, waitReplicas, waitMs), waitMs);
  }

  #nextDurable(): Client {
    return this.#durable[this.#turn++ % this.#durable.length]!;
  }

  #open(): Client {
    const { clock } = this.#options;
    const client = openClient(this.#options);
    this.#away.set(client, clock.monotonic());
    client.on('ready', () => this.#away.delete(client));
    client.on('close', () => {
      if (!this.#away.has(client)) this.#away.set(client, clock.monotonic());
    });
    return client;
  }

  async #step<T>(client: Client, work: (client: Client) => Promise<T>, moreMs = 0): Promise<T> {
    if (this.#closed) throw unavailable(new Error('the store is closed'));
    if (this.#steps >= MAX_STEPS) throw unavailable(new Error(`${this.#steps} steps are under way`));
    this.#steps += 1;
    sendTogether(client);
    try {
      const working = client.status === 'ready' ? work(client) : this.#ready(client).then(() => work(client));
      return await this.#within(STEP_MS + moreMs, working);
    } catch (error) {
      throw error instanceof StreamSpaceError ? error : unavailable(error);
    } finally {
      this.#steps -= 1;
    }
  }

  /** Resolves as soon as the client is ready; rejects when that takes too long, or has already taken too long. */
  async #ready(client: Client): Promise<void> {
    const left = COMMAND_MS - (this.#options.clock.monotonic() - (this.#away.get(client) ?? -Infinity));
    if (left <= 0) throw new Error('not connected');
    let isReady: (() => void) | undefined;
    try {
      await this.#within(left, new Promise<void>((resolve) => client.once('ready', (isReady = resolve))));
    } finally {
      if (isReady !== undefined) client.off('ready', isReady);
    }
  }

  #within<T>(ms: number, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.setTimeout(
        () => reject(new Error(`no answer within ${Math.round(ms)} ms`)),
        ms,
      );
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

/** Sends the commands of steps that begin together in one write: a system call for each costs more than the rest of the step. */
function sendTogether(client: Client): void {
  if (!(client instanceof Redis) || client.status !== 'ready' || client.stream.writableCorked > 0) return;
  const { stream } = client;
  stream.cork();
  // oxlint-disable-next-line no-restricted-globals -- the end of this turn of the event loop, no time
  setImmediate(() => stream.uncork());
}

function unavailable(cause: unknown): StreamSpaceError {
  return new StreamSpaceError(
    'store_unavailable',
    'the store can not be used now: try again',
    {},
    { cause: withoutCommand(cause) },
  );
}

const tooFew = (replicas: number, wanted: number, ms: number): StreamSpaceError =>
  unavailable(new Error(`${replicas} of ${wanted} replicas have it after ${ms} ms`));
