import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';

/** Milliseconds for one answer of the engine; a stop waits for the program. */
const ANSWER_MS = 60_000;

export class EngineError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** An engine's API by its socket: an observer that shares no code with the observed agents. */
export class DockerEngine {
  readonly socket: string;

  constructor(socket = '/var/run/docker.sock') {
    this.socket = socket;
  }

  /** The answer's JSON, or its text; throws {@link EngineError} for an error status. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.#send(method, path, AbortSignal.timeout(ANSWER_MS), body);
    answer.setEncoding('utf8');
    let text = '';
    for await (const part of answer) text += part as string;
    const status = answer.statusCode ?? 0;
    // 304: it is so already
    if (status >= 400) throw new EngineError(status, `${method} ${path}: ${status} ${text.slice(0, 300)}`);
    return (answer.headers['content-type']?.startsWith('application/json') === true ? JSON.parse(text) : text) as T;
  }

  get<T>(path: string): Promise<T> {
    return this.call('GET', path);
  }

  /** Lines of an endless answer, until it ends or the signal aborts. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const answer = await this.#send('GET', path, signal);
    if (answer.statusCode !== 200) throw new EngineError(answer.statusCode ?? 0, `GET ${path}: ${answer.statusCode}`);
    yield* createInterface(answer);
  }

  #send(method: string, path: string, signal: AbortSignal, body?: unknown): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request({
        socketPath: this.socket,
        path: `/v1.41${path}`,
        method,
        signal,
        agent: false,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
      });
      sent.once('error', reject);
      sent.once('response', resolve);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/** A filter of the engine's lists and events. */
export const filter = (filters: Readonly<Record<string, readonly string[]>>): string =>
  `filters=${encodeURIComponent(JSON.stringify(filters))}`;

/** A container in a list of the engine. */
export interface Listed {
  Id: string;
  Names: string[];
  State: string;
  Labels: Record<string, string>;
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
}
