import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from 'clock-port';
import { type Dispatcher, request } from 'undici';
import { type Access, accessOf } from './access.ts';
import { ApiError, apiErrorOf } from './error.ts';
import { closedWhileIdle } from './resetting-connector.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path from the server's root. */
  readonly path: string;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  /** Content type of the body; by default JSON. */
  readonly contentType?: string | undefined;
  /** Longest response, bytes; by default 4 MiB. Longer ones are refused. */
  readonly limit?: number | undefined;
}

/** Tokens and certificates are files that rotate: they are read again after this time. */
const REFRESH_MS = 10_000;
const ANSWER_LIMIT = 4 * 1024 * 1024;
const UNAUTHORIZED = 401;

type Body = Dispatcher.ResponseData['body'];

/**
 * The connection to one API server: each call is one request, whose deadline is the caller's signal. The client library makes a connection pool
 * for every request; this class has one pool. It replaces the pool when the certificates change, and when a call got no answer, because then
 * the idle connections are suspect too. Calls in progress continue on their old pool.
 */
export class Connection {
  /** The program's name: user agent, and manager of the fields that it writes. */
  readonly program: string;
  /** Number of requests made so far. */
  requests = 0;
  readonly #config: KubeConfig;
  readonly #clock: Clock;
  #access: { value: Access; at: number } | undefined;
  /** Replaced pools, until their last request is over. */
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

  /** The response as JSON. Rejects with {@link ApiError}, or with the connection's error. */
  async json<T>(call: Call, signal: AbortSignal): Promise<T> {
    return JSON.parse(await this.text(call, signal)) as T;
  }

  /** As {@link json}, but the plain text. */
  async text(call: Call, signal: AbortSignal): Promise<string> {
    const { access, body } = await this.#send(call, signal, true);
    try {
      return await textOf(body, call.limit ?? ANSWER_LIMIT);
    } catch (error) {
      this.#noAnswer(access, error);
      throw error;
    }
  }

  /** The response's bytes as they arrive, for a watch: until it ends or the signal aborts. */
  async stream(path: string, query: Query, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    return (await this.#send({ method: 'GET', path, query }, signal, false)).body;
  }

  /** Ends every request and connection. The object may be used again. */
  async close(): Promise<void> {
    const pools = [...this.#ending, ...(this.#access ? [this.#access.value] : [])];
    this.#access = undefined;
    await Promise.all(pools.map(({ end }) => end()));
  }

  /** Replaces the pool; requests in progress on the old one may finish. */
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
        // the server closed an idle connection just when this request took it
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

/** The text of a body, within the limit. */
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
