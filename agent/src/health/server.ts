import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

export const jsonAnswer = (status: number, body: unknown): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(body)}\n`,
});

/** A small HTTP server for probes and scrapes: GET and HEAD of fixed paths. */
export class ProbeServer {
  readonly #server: Server;
  readonly #routes: Routes;

  constructor(routes: Routes) {
    this.#routes = routes;
    this.#server = createServer(
      { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 30_000 },
      (request, response) => {
        void this.#answer(request).then(({ status, type, body }) => {
          response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
          response.end(request.method === 'HEAD' ? undefined : body);
        });
      },
    );
    this.#server.maxConnections = 256;
  }

  /**
   * Resolves with the port that it listens on. `host`: undefined for all addresses. Rejects, naming `variable`, when the port is not available.
   */
  listen(port: number, host: string | undefined, variable: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const why = error.code === 'EADDRINUSE' ? 'is in use' : `can't be listened on (${error.code ?? error.message})`;
        reject(
          new Error(`${variable}: port ${port} ${why}; set ${variable} to another one, or to 0 for any free one`, {
            cause: error,
          }),
        );
      });
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'GET' && request.method !== 'HEAD') return jsonAnswer(405, { error: 'only GET' });
    const path = (request.url ?? '').split('?')[0]!;
    const route = Object.hasOwn(this.#routes, path) ? this.#routes[path] : undefined;
    if (route === undefined)
      return jsonAnswer(404, { error: `not found; there is ${Object.keys(this.#routes).join(', ')}` });
    try {
      return await route();
    } catch (error) {
      return jsonAnswer(500, { error: String(error) });
    }
  }
}
