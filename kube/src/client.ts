import { type Clock, sleep, withDeadline } from 'clock-port';
import type { Call as Request, Connection, Query } from './connection.ts';
import { ApiError } from './error.ts';
import { LeaseFence, LeaseRanOut } from './lease-fence.ts';
import type { KubeObject, ObjectList } from './objects.ts';
import { Troubles } from './troubles.ts';
import { waitListener } from './waiting.ts';

/** The supported resources; all live in the namespace, except `nodes`. */
export type Resource =
  'pods' | 'services' | 'persistentvolumeclaims' | 'resourcequotas' | 'events' | 'leases' | 'nodes';

export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/** Longest try of one request, milliseconds. */
const REQUEST_MS = 15_000;
/** After this time without an answer, a call counts as waiting, and its wait listener hears of it. Milliseconds. */
const SLOW_MS = 5_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Longest list, bytes; longer ones are refused. */
const LIST_LIMIT = 64 * 1024 * 1024;

interface Call extends Request {
  readonly signal: AbortSignal;
}

/**
 * The Kubernetes API of one namespace, as plain JSON. All calls can be repeated: after a transient failure (no answer, 429, 5xx), a call is
 * tried again, with growing pauses, until the caller's signal aborts. Other refusals are thrown as {@link ApiError} at once.
 */
export class KubeClient {
  readonly namespace: string;
  readonly connection: Connection;
  readonly #clock: Clock;
  readonly #fence: LeaseFence;
  readonly troubles: Troubles;

  /** `leaseUntil`: no write is sent after this time, monotonic milliseconds. */
  constructor(connection: Connection, namespace: string, clock: Clock, leaseUntil: () => number = () => Infinity) {
    this.connection = connection;
    this.namespace = namespace;
    this.#clock = clock;
    this.#fence = new LeaseFence(clock, leaseUntil);
    this.troubles = new Troubles(clock);
  }

  /** Number of requests made so far. */
  get requests(): number {
    return this.connection.requests;
  }

  path(resource: Resource, name?: string, sub?: string): string {
    const group = resource === 'leases' ? '/apis/coordination.k8s.io/v1' : '/api/v1';
    const base = resource === 'nodes' ? `${group}/nodes` : `${group}/namespaces/${this.namespace}/${resource}`;
    return [base, name, sub].filter((part) => part !== undefined).join('/');
  }

  get<T extends KubeObject>(resource: Resource, name: string, signal: AbortSignal): Promise<T> {
    return this.#json({ method: 'GET', path: this.path(resource, name), signal });
  }

  list<T extends KubeObject>(resource: Resource, query: Query, signal: AbortSignal): Promise<ObjectList<T>> {
    return this.#json({ method: 'GET', path: this.path(resource), query, limit: LIST_LIMIT, signal });
  }

  /** Fails with `AlreadyExists` when an object of that name exists: the fence that an apply can't be. */
  create<T extends KubeObject>(resource: Resource, object: T, signal: AbortSignal, query: Query = {}): Promise<T> {
    return this.#json({
      method: 'POST',
      path: this.path(resource),
      query: { fieldManager: this.connection.program, ...query },
      body: object,
      signal,
    });
  }

  /** Server-side apply. `metadata.uid` or `.resourceVersion` in the object restrict it to exactly that object or version (`Conflict`). */
  apply<T extends KubeObject>(resource: Resource, object: T, signal: AbortSignal): Promise<T> {
    return this.#json({
      method: 'PATCH',
      path: this.path(resource, object.metadata!.name),
      query: { fieldManager: this.connection.program, force: true },
      body: object,
      contentType: 'application/apply-patch+yaml',
      signal,
    });
  }

  /** A JSON merge patch. `metadata.uid` or `.resourceVersion` in it restrict it to exactly that object or version (`Conflict`). */
  patch<T extends KubeObject>(resource: Resource, name: string, changes: object, signal: AbortSignal): Promise<T> {
    return this.#json({
      method: 'PATCH',
      path: this.path(resource, name),
      query: { fieldManager: this.connection.program },
      body: changes,
      contentType: 'application/merge-patch+json',
      signal,
    });
  }

  /** Any other call, by method, for callers that no other function here serves. */
  raw<T>(method: Call['method'], path: string, body: unknown, contentType: string, signal: AbortSignal): Promise<T> {
    return this.#json({ method, path, body, contentType, signal });
  }

  /** `false`: the object did not exist. `Conflict` when a precondition does not hold. */
  async remove(
    resource: Resource,
    name: string,
    options: { preconditions?: Preconditions; gracePeriodSeconds?: number },
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', ...options };
      await this.#json({ method: 'DELETE', path: this.path(resource, name), body, signal });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  /** The last lines of a container's log. */
  async log(pod: string, query: Query, signal: AbortSignal): Promise<string> {
    return this.#text({ method: 'GET', path: this.path('pods', pod, 'log'), query, signal });
  }

  /** Opens a watch: the bytes of its response, until it ends or the signal aborts. Tried once. */
  stream(path: string, query: Query, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    return this.#asked(signal, this.connection.stream(path, query, signal));
  }

  async #json<T>(call: Call): Promise<T> {
    return JSON.parse(await this.#text(call)) as T;
  }

  async #text(call: Call): Promise<string> {
    const listener = waitListener();
    const kind = `${call.method} ${call.path.replace(/^.*\/namespaces\/[^/]+\//, '').split('/')[0] || call.path}`;
    let waiting = false;
    const waits = (words: string) => {
      waiting = true;
      listener?.waits(words);
    };
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const slow = this.#clock.setTimeout(() => {
        const words = `The API server has not answered ${kind} for ${SLOW_MS / 1000} s (it, or a webhook that it calls, hangs)`;
        this.troubles.failed(kind, words);
        waits(words);
      }, SLOW_MS);
      try {
        if (call.method !== 'GET') await this.#fence.valid(call.signal, ({ message }) => waits(message));
        const answer = await this.#once(call);
        this.troubles.done(kind);
        if (waiting) await listener?.goesOn(call.signal);
        return answer;
      } catch (error) {
        call.signal.throwIfAborted();
        const refused = error instanceof ApiError;
        if (refused && !error.transient) {
          this.troubles.done(kind);
          if (waiting) await listener?.goesOn(call.signal);
          throw error;
        }
        const words = refused ? `The API server fails: ${error.message}` : wordsOf(error);
        if (refused) this.troubles.failed(kind, words);
        waits(words);
        await sleep(this.#clock, Math.max(pause, refused ? (error.retryAfterMs ?? 0) : 0), call.signal);
      } finally {
        slow.cancel();
      }
    }
  }

  #once(call: Call): Promise<string> {
    const once = (within: AbortSignal) => this.#asked(within, this.connection.text(call, within));
    return withDeadline(this.#clock, REQUEST_MS, `${call.method} ${call.path}`, call.signal, (signal) =>
      call.method === 'GET' ? once(signal) : this.#fence.during(signal, once),
    );
  }

  /** Records whether the server answers at all. */
  async #asked<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
    try {
      const given = await answer;
      this.troubles.answered();
      return given;
    } catch (error) {
      if (error instanceof ApiError) this.troubles.answered();
      else if (!signal.aborted) this.troubles.away(wordsOf(error));
      throw error;
    }
  }
}

/** The reason for a missing answer. For several addresses, the error itself has no message. */
function wordsOf(error: unknown): string {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: { message: string }[] };
  if (error instanceof LeaseRanOut) return error.message;
  return `The API server does not answer: ${message || errors?.[0]?.message || code || String(error)}`;
}
