import { type Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { abortable, type Clock, DeadlineError, outcomeOf, whenAborted, withDeadline } from 'clock-port';
import type { EngineAddress } from './address.ts';
import { connectionsTo } from './connection.ts';
import { EngineError } from './error.ts';
import { remedyOf, whereIs } from './trouble.ts';

/** The oldest API that the driver speaks (Docker 20.10, Podman 4.3), and the newest that it was written for. */
const API = { oldest: 41, newest: 47 };
/** Milliseconds until an ordinary request has to be answered; the engine takes its time while it makes or removes containers. */
const ANSWER_MS = 30_000;
/** Of an answer that is read whole: some thousand containers. */
const BODY_LIMIT = 32 * 1024 * 1024;
/** Of an error's words, characters. */
const WORDS_LIMIT = 2_048;

export type EngineKind = 'docker' | 'podman';

/** What negotiation found out. */
interface Spoken {
  readonly api: string;
  readonly kind: EngineKind;
}

export interface EngineRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE' | 'HEAD' | 'PUT';
  /** An object goes as JSON; `undefined` values are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | object | undefined>>;
  readonly body?: object | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until the answer has begun. */
  readonly ms?: number;
}

/**
 * The Docker Engine's HTTP API, as Docker, Podman and Swarm managers speak it. Every request has a deadline, every answer a bound; it
 * throws {@link EngineError}, with status 0 where the engine could not be asked or did not answer, and the signal's reason when that aborts.
 */
export class Engine {
  readonly #agent: Agent;
  readonly #clock: Clock;
  readonly #address: EngineAddress;
  readonly #where: string;
  readonly #listeners = new Set<() => void>();
  #spoken: Promise<Spoken> | undefined;
  #trouble: string | undefined;

  constructor(address: EngineAddress, clock: Clock) {
    this.#agent = connectionsTo(address);
    this.#clock = clock;
    this.#address = address;
    this.#where = whereIs(address);
  }

  /** An answer in JSON, read whole; `undefined` where it has no body. */
  async json<T>(path: string, request: EngineRequest, signal: AbortSignal): Promise<T> {
    const body = await this.#ask(path, request, signal, (opened, limit) => whole(this.#response(opened), limit));
    return (body === '' ? undefined : JSON.parse(body)) as T;
  }

  /** An answer that goes on: until it ends, or the signal aborts. The deadline is that of its beginning. */
  async stream(path: string, request: EngineRequest, signal: AbortSignal): Promise<Readable> {
    const response = await this.#ask(path, request, signal, (opened) => Promise.resolve(this.#response(opened)));
    const forget = whenAborted(signal, () => response.destroy(signal.reason as Error));
    response.once('close', forget);
    return response;
  }

  /** A connection that becomes bytes in both directions (attach, exec). The signal ends only the way to it. */
  upgrade(path: string, body: object, signal: AbortSignal): Promise<Duplex> {
    const headers = { Connection: 'Upgrade', Upgrade: 'tcp' };
    return this.#ask(path, { method: 'POST', body, headers }, signal, (opened) => {
      if ('socket' in opened) return Promise.resolve(opened.socket);
      throw new EngineError(
        opened.response.statusCode!,
        `${this.#where} does not upgrade ${path}: is a proxy between?`,
      );
    });
  }

  /** Version of the API that both speak, e.g. `1.41`. */
  async version(signal: AbortSignal): Promise<string> {
    return (await this.#speak(signal)).api;
  }

  /** Whose engine it is: both speak the same API, and mean different things now and then. */
  async kind(signal: AbortSignal): Promise<EngineKind> {
    return (await this.#speak(signal)).kind;
  }

  #speak(signal: AbortSignal): Promise<Spoken> {
    // of all who wait for it, none ends it for the others
    return abortable(signal, () => {
      this.#spoken ??= this.#negotiate(new AbortController().signal).catch((error: unknown) => {
        this.#spoken = undefined;
        throw error;
      });
      return this.#spoken;
    });
  }

  /** Why the engine could not be asked last; undefined: it answered, whatever it said. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Calls back when {@link Engine.trouble} has changed. Returns how to stop it. */
  onTrouble(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#agent.destroy();
  }

  #troubled(trouble: string | undefined): void {
    const before = this.#trouble;
    this.#trouble = trouble;
    // in other words it is the same trouble
    if ((before === undefined) !== (trouble === undefined)) for (const listener of this.#listeners) listener();
  }

  async #negotiate(signal: AbortSignal): Promise<Spoken> {
    const { told, kind } = await this.#exchange('/_ping', {}, signal, async (opened, limit) => {
      const response = this.#response(opened);
      await whole(response, limit);
      const isPodman = response.headers['libpod-api-version'] !== undefined;
      return { told: String(response.headers['api-version']), kind: isPodman ? 'podman' : 'docker' } as const;
    });
    const minor = /^1\.(\d+)$/.exec(told)?.[1];
    if (minor === undefined)
      throw new EngineError(0, `${this.#where} does not tell its API version: no container engine?`);
    if (Number(minor) < API.oldest)
      throw new EngineError(
        400,
        `the engine at ${this.#where} speaks API ${told}, and 1.${API.oldest} is needed: update it (Docker 20.10, Podman 4.3 or later)`,
      );
    return { api: `1.${Math.min(Number(minor), API.newest)}`, kind };
  }

  async #ask<T>(path: string, request: EngineRequest, signal: AbortSignal, take: Take<T>): Promise<T> {
    return this.#exchange(`/v${await this.version(signal)}${path}`, request, signal, take);
  }

  #response(opened: Opened): IncomingMessage {
    if ('response' in opened) return opened.response;
    opened.socket.destroy();
    throw new EngineError(0, `${this.#where} answered with an upgrade that nobody asked for`);
  }

  /** One request and what `take` makes of its answer, within the deadline. Throws the engine's refusal. */
  async #exchange<T>(path: string, request: EngineRequest, signal: AbortSignal, take: Take<T>): Promise<T> {
    const ms = request.ms ?? ANSWER_MS;
    try {
      return await withDeadline(this.#clock, ms, `the engine at ${this.#where}`, signal, async (limit) => {
        const opened = await exchange(this.#agent, path, request, limit);
        this.#troubled(undefined);
        if ('response' in opened && opened.response.statusCode! >= 300 && opened.response.statusCode !== 304)
          throw await refusal(opened.response, limit);
        return take(opened, limit);
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof EngineError) throw error;
      // another engine may be there when it comes back
      if (!(error instanceof DeadlineError)) this.#spoken = undefined;
      const away = `the engine at ${this.#where} can’t be reached: ${remedyOf(error as Error, this.#address)}`;
      const words = error instanceof DeadlineError ? error.message : away;
      this.#troubled(words);
      throw new EngineError(0, words, { cause: error });
    }
  }
}

type Opened = { readonly response: IncomingMessage } | { readonly socket: Duplex };
type Take<T> = (opened: Opened, limit: AbortSignal) => Promise<T>;

function exchange(
  agent: Agent,
  path: string,
  { method = 'GET', query = {}, body, headers }: EngineRequest,
  signal: AbortSignal,
): Promise<Opened> {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    search.set(key, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  const text = search.size === 0 ? path : `${path}?${search.toString()}`;
  const payload = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return outcomeOf<Opened>(signal, (resolve, reject) => {
    const request = httpRequest({
      agent,
      method,
      path: text,
      // what a Unix socket has no name for
      host: 'docker',
      headers: {
        ...(payload !== undefined && {
          'Content-Type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json',
          'Content-Length': payload.length,
        }),
        ...headers,
      },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      response.on('error', () => undefined);
      resolve({ response });
    });
    request.on('upgrade', (_, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve({ socket });
    });
    request.end(payload);
    // an abort, if it comes before the answer
    return () => signal.aborted && request.destroy(signal.reason as Error);
  });
}

async function whole(response: IncomingMessage, limit: AbortSignal): Promise<string> {
  const forget = whenAborted(limit, () => response.destroy(limit.reason as Error));
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of response) {
      size += (part as Buffer).length;
      if (size > BODY_LIMIT) throw new EngineError(0, `an answer of more than ${BODY_LIMIT} bytes`);
      parts.push(part as Buffer);
    }
  } finally {
    forget();
  }
  return Buffer.concat(parts).toString('utf8');
}

async function refusal(response: IncomingMessage, limit: AbortSignal): Promise<EngineError> {
  const body = await whole(response, limit);
  let words = body;
  try {
    const { message, cause } = JSON.parse(body) as { message?: string; cause?: string };
    words = message ?? cause ?? body;
  } catch {
    // not every answer is JSON: a proxy's, for example
  }
  if (/HTTP request to an HTTPS server/.test(words)) words = `${words.trim()} Set DOCKER_CERT_PATH`;
  return new EngineError(response.statusCode!, words.trim().slice(0, WORDS_LIMIT) || `status ${response.statusCode}`);
}
