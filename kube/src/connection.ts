import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from 'clock-port';
import { type Dispatcher, request } from 'undici';
import { type Access, accessOf } from './access.ts';
import { ApiError, apiErrorOf } from './error.ts';
import { closedWhileIdle } from './resetting-connector.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the server's root. */
  readonly path: string;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  /** Of the body; JSON without it. */
  readonly contentType?: string | undefined;
  /** A longer answer is refused, bytes; 4 MiB without it. */
  readonly limit?: number | undefined;
}

/** Tokens and certificates are files that rotate: they are looked at again after so long. */
const REFRESH_MS = 10_000;
const ANSWER_LIMIT = 4 * 1024 * 1024;
const UNAUTHORIZED = 401;

type Body = Dispatcher.ResponseData['body'];

/**
 * The way to one API server: each call is one request, whose deadline is the caller's signal. The client library makes a connection pool for
 * every request; here there is one, and it is replaced when the certificates change, and when a call got no answer: idle connections are as
 * suspect as that one's then. Calls that are under way go on, on theirs.
 */
export class Connection {
  /** The program's name: user agent, and manager of the fields that it writes. */
  readonly program: string;
  /** Requests made so far. */
  requests = 0;
  readonly #config: KubeConfig;
  readonly #clock: Clock;
  #access: { value: Access; at: number } | undefined;
  /** Pools that were replaced, until their last request is over. */
  readonly #ending = new Set<Access>();

  constructor(config: KubeConfig, clock: Clock, program: string) {
    this.#config = config;
    this.#clock = clock;
    this.program = program;
  }

  async access(): Promise<Access> {
    const known = this.#access;
    if (known !== undefined && this.#clock.monotonic() - known.at < REFRESH_MS) return known.value;
    const value = await accessOf(this.#config, () => this.#access?.value);
    this.#replace(value);
    return value;
  }

  /** The answer's JSON. Rejects with {@link ApiError}, or with what the connection failed by. */
  async json<T>(call: Call, signal: AbortSignal): Promise<T> {
    return JSON.parse(await this.text(call, signal)) as T;
  }

  /** As {@link json}, the answer as it is. */
  async text(call: Call, signal: AbortSignal): Promise<string> {
    const { access, body } = await this.#send(call, signal, true);
    try {
      return await textOf(body, call.limit ?? ANSWER_LIMIT);
    } catch (error) {
      this.#noAnswer(access, error);
      throw error;
    }
  }

  /** The answer's bytes as they come, of a watch: until it ends or the signal aborts. */
  async stream(path: string, query: Query, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    return (await this.#send({ method: 'GET', path, query }, signal, false)).body;
  }

  /** Ends every request and connection. The object may be used again. */
  async close(): Promise<void> {
    const pools = [...this.#ending, ...(this.#access ? [this.#access.value] : [])];
    this.#access = undefined;
    await Promise.all(pools.map(({ end }) => end()));
  }

  /** What is under way on the pool that goes may finish. */
  #replace(value: Access | undefined): void {
    const before = this.#access?.value;
    this.#access = value && { value, at: this.#clock.monotonic() };
    if (before === undefined || before.dispatcher === value?.dispatcher) return;
    this.#ending.add(before);
    const over = () => this.#ending.delete(before);
    before.dispatcher.close().then(over, over);
  }

  #noAnswer(access: Access, error: unknown): void {
    if (!(error instanceof ApiError) && this.#access?.value.dispatcher === access.dispatcher) this.#replace(undefined);
  }

  async #send(call: Call, signal: AbortSignal, expectsAnswer: boolean): Promise<{ access: Access; body: Body }> {
    for (let again = true; ; again = false) {
      const access = await this.access();
      try {
        return { access, body: await this.#try(access, call, signal) };
      } catch (error) {
        // the server closed an idle connection just when it was taken up again
        if (again && !signal.aborted && closedWhileIdle(error)) continue;
        if (expectsAnswer) this.#noAnswer(access, error);
        throw error;
      }
    }
  }

  async #try(access: Access, { method, path, query, body, contentType }: Call, signal: AbortSignal): Promise<Body> {
    this.requests++;
    const url = new URL(access.server + path);
    for (const [key, value] of Object.entries(query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const answer = await request(url, {
      method,
      headers: {
        ...access.headers,
        accept: 'application/json',
        'user-agent': this.program,
        ...(body !== undefined && { 'content-type': contentType ?? 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      dispatcher: access.dispatcher,
      signal,
    });
    const { statusCode, headers } = answer;
    if (statusCode >= 200 && statusCode < 300) return answer.body;
    if (statusCode === UNAUTHORIZED && this.#access?.value === access) this.#access.at = -Infinity;
    throw apiErrorOf(statusCode, await textOf(answer.body, ANSWER_LIMIT), first(headers['retry-after']));
  }
}

/** Nothing longer than the limit is kept. */
async function textOf(body: AsyncIterable<Buffer>, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new ApiError(200, 'TooLarge', `The API server sent more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const first = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;
