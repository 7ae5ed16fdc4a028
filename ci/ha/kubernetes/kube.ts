import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

export interface KubeObject {
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: unknown;
  status?: unknown;
}

type WatchEvent = { type: string; object: KubeObject & { code?: number; message?: string } };

/** Milliseconds for one answer of the API server. */
const ANSWER_MS = 10_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The API server by `kubectl proxy`: an observer that shares no code with the observed agents. */
export class Kube {
  readonly #proxy: ChildProcess;
  readonly #url: string;

  private constructor(proxy: ChildProcess, url: string) {
    this.#proxy = proxy;
    this.#url = url;
  }

  static async start(kubeconfig: string): Promise<Kube> {
    const proxy = spawn('kubectl', ['proxy', '--port=0'], {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface(proxy.stdout!)) {
      const address = /127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (address !== undefined) return new Kube(proxy, `http://${address}`);
    }
    throw new Error('kubectl proxy ended before it served');
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.#url + path, {
      method,
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
    return JSON.parse(text) as T;
  }

  get<T>(path: string): Promise<T> {
    return this.call('GET', path);
  }

  /** Lines of an endless answer, e.g. a followed log, until it ends or the signal aborts. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const answer = await fetch(this.#url + path, { signal });
    if (!answer.ok || answer.body === null)
      throw new Error(`GET ${path}: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
    yield* createInterface(Readable.fromWeb(answer.body as ReadableStream));
  }

  /**
   * Lists and follows a collection until the signal aborts. `seen` first gets all existing objects (`KNOWN`), and after a broken watch
   * all of them again, with `DELETED` for objects removed meanwhile.
   */
  async watch(
    path: string,
    query: string,
    seen: (type: string, object: KubeObject) => void,
    broken: (why: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    let there = new Map<string, KubeObject>();
    while (!signal.aborted) {
      try {
        const list = await this.get<{ metadata: { resourceVersion: string }; items: KubeObject[] }>(`${path}?${query}`);
        const now = new Map(list.items.map((object) => [object.metadata.uid, object]));
        for (const [uid, object] of there) if (!now.has(uid)) seen('DELETED', object);
        for (const [uid, object] of now)
          if (there.get(uid)?.metadata.resourceVersion !== object.metadata.resourceVersion) seen('KNOWN', object);
        there = now;
        const from = `watch=1&timeoutSeconds=3600&resourceVersion=${list.metadata.resourceVersion}`;
        for await (const line of this.lines(`${path}?${query}&${from}`, signal)) {
          const { type, object } = JSON.parse(line) as WatchEvent;
          if (type === 'ERROR') throw new Error(object.message ?? 'an error without a message');
          if (type === 'DELETED') there.delete(object.metadata.uid);
          else there.set(object.metadata.uid, object);
          seen(type, object);
        }
        broken('it ended');
      } catch (error) {
        if (signal.aborted) return;
        broken((error as Error).message);
      }
      await pause(200);
    }
  }

  stop(): void {
    this.#proxy.kill();
  }
}
