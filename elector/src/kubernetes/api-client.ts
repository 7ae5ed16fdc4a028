import http from 'node:http';
import https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { LockError } from '../lock.ts';

/** Nothing that is asked for here comes near this. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_RETRY_AFTER_S = 60;

/** An answer that is no success. */
export class ApiError extends LockError {
  readonly status: number;
  constructor(status: number, message: string, retryAfterMs?: number) {
    super(message, { retryAfterMs });
    this.name = 'ApiError';
    this.status = status;
  }
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** From the server's root, with the query. */
  readonly path: string;
  readonly body?: unknown;
}

/**
 * The few calls that an election needs, with connections of its own: an aborted call takes its connection with it (and all idle
 * ones, which are as suspect), and a watch never shares one with a call.
 */
export class ApiClient {
  readonly #config: KubeConfig;
  readonly #agents = { call: newAgents(), watch: newAgents() };

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** Closes what is open. The client may be used again. */
  close(): void {
    for (const { http: plain, https: secure } of Object.values(this.#agents)) {
      plain.destroy();
      secure.destroy();
    }
  }

  /** The answer's JSON. Rejects with {@link ApiError}, or with what the connection failed by. */
  async call<T>(call: Call, signal: AbortSignal): Promise<T> {
    try {
      const response = await this.#send(call, 'call', signal);
      return JSON.parse(await text(response)) as T;
    } catch (error) {
      if (!(error instanceof ApiError)) this.#suspect();
      throw error;
    }
  }

  /** The answer line by line, as they come. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const response = await this.#send({ method: 'GET', path }, 'watch', signal);
    let rest = '';
    response.setEncoding('utf8');
    for await (const chunk of response as AsyncIterable<string>) {
      rest += chunk;
      let at: number;
      while ((at = rest.indexOf('\n')) >= 0) {
        yield rest.slice(0, at);
        rest = rest.slice(at + 1);
      }
      if (rest.length > MAX_BODY_BYTES) throw new LockError('the API server sent an endless line');
    }
  }

  async #send(call: Call, kind: 'call' | 'watch', signal: AbortSignal): Promise<http.IncomingMessage> {
    for (let again = true; ; again = false) {
      const { response, error, reused } = await this.#try(call, kind, signal);
      if (response) {
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) return response;
        throw apiError(call, status, response.headers['retry-after'], await text(response));
      }
      // the server closed an idle connection just when it was taken up again
      if (again && reused && error.code === 'ECONNRESET' && !signal.aborted) continue;
      signal.throwIfAborted();
      throw error;
    }
  }

  async #try(
    { method, path, body }: Call,
    kind: 'call' | 'watch',
    signal: AbortSignal,
  ): Promise<
    | { response: http.IncomingMessage; error?: never; reused?: never }
    | { response?: never; error: Error & { code?: string }; reused: boolean }
  > {
    signal.throwIfAborted();
    const cluster = this.#config.getCurrentCluster();
    if (!cluster) throw new LockError('the kubeconfig names no cluster');
    // read for every call: tokens and certificates are rotated in their files
    const options: https.RequestOptions = { headers: {} };
    await this.#config.applyToHTTPSOptions(options);
    const url = new URL(cluster.server.replace(/\/$/, '') + path);
    const secure = url.protocol === 'https:';
    if (!cluster.proxyUrl) options.agent = this.#agents[kind][secure ? 'https' : 'http'];
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    options.method = method;
    options.signal = signal;
    options.headers = {
      ...(options.headers as http.OutgoingHttpHeaders),
      accept: 'application/json',
      'user-agent': 'lease-elector',
      ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
    };
    return new Promise((resolve) => {
      const request = (secure ? https : http).request(url, options);
      request.on('response', (response) => resolve({ response }));
      request.on('error', (error) => resolve({ error, reused: request.reusedSocket }));
      request.end(payload);
    });
  }

  /** A call got no answer: idle connections are as suspect as its own. Other calls under way may go on, on theirs. */
  #suspect(): void {
    const { http: plain, https: secure } = this.#agents.call;
    this.#agents.call = newAgents();
    for (const agent of [plain, secure]) {
      // what is freed from now on is closed, not kept
      Object.assign(agent, { keepAlive: false });
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    }
  }
}

function newAgents(): { http: http.Agent; https: https.Agent } {
  const options = { keepAlive: true, maxFreeSockets: 2 };
  return { http: new http.Agent(options), https: new https.Agent(options) };
}

async function text(response: http.IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let body = '';
  for await (const chunk of response as AsyncIterable<string>) {
    body += chunk;
    if (body.length > MAX_BODY_BYTES) throw new LockError('the API server sent an endless answer');
  }
  return body;
}

function apiError({ method, path }: Call, status: number, retryAfter: string | undefined, body: string): ApiError {
  let reason = body.slice(0, 200);
  try {
    reason = (JSON.parse(body) as { message?: string }).message ?? reason;
  } catch {
    // a proxy in between, perhaps
  }
  const seconds = Number(retryAfter);
  const retryAfterMs = seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_S) * 1000 : undefined;
  const remedy = status === 403 ? ' (the role of this service account lacks a verb)' : '';
  return new ApiError(status, `${method} ${path.split('?')[0]}: ${status} ${reason}${remedy}`, retryAfterMs);
}
