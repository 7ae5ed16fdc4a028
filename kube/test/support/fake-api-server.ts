import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';

interface Request {
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly response: ServerResponse;
  /** Of the client, which tells its connections apart. */
  readonly port: number;
}

/** Tries until `check` is true; throws with `what` after `ms`. */
export async function until(check: () => boolean | Promise<boolean>, ms: number, what: () => string): Promise<void> {
  for (const end = performance.now() + ms; !(await check());) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** An API server that answers what the test says, when it says so. */
export class FakeApiServer {
  readonly requests: Request[] = [];
  readonly #server: Server;
  #taken = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      const { url, headers, socket } = request;
      this.requests.push({ url: new URL(url!, 'http://x'), headers, response, port: socket.remotePort! });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next request that has not been taken. */
  async next(): Promise<Request> {
    await until(
      () => this.requests.length > this.#taken,
      5000,
      () => 'a request',
    );
    return this.requests[this.#taken++]!;
  }

  async nextList(revision: string, ...items: object[]): Promise<void> {
    const { url, response } = await this.next();
    expect(url.searchParams.get('watch')).toBeNull();
    response.end(JSON.stringify({ metadata: { resourceVersion: revision }, items }));
  }

  /** The next request, which must be a watch from that revision; returns how to send its events. */
  async nextWatch(from: string): Promise<{ send(type: string, object: object): void; end(): void; break(): void }> {
    const { url, response } = await this.next();
    expect(url.searchParams.get('watch')).toBe('1');
    expect(url.searchParams.get('resourceVersion')).toBe(from);
    expect(url.searchParams.get('allowWatchBookmarks')).toBe('true');
    expect(url.searchParams.get('fieldSelector')).toBe('metadata.name=x');
    response.flushHeaders();
    return {
      send: (type, value) => void response.write(`${JSON.stringify({ type, object: value })}\n`),
      end: () => void response.end(),
      break: () => void response.destroy(),
    };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
