import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from 'clock-port';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { resettingConnector } from './resetting-connector.ts';

/** What a request needs to reach the API server as us. */
export interface Access {
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  readonly tls: Tls;
  readonly proxyUrl: string | undefined;
}

export interface Tls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
}

/** Tokens and certificates are files that rotate: they are looked at again after so long. */
const REFRESH_MS = 10_000;

/**
 * The way to one API server. The client library makes a connection pool for every request; here there is one, and it is replaced
 * only when the certificates change.
 */
export class Connection {
  readonly #config: KubeConfig;
  readonly #clock: Clock;
  #access: { value: Access; at: number; fingerprint: string } | undefined;

  constructor(config: KubeConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  async access(): Promise<Access> {
    const known = this.#access;
    if (known !== undefined && this.#clock.monotonic() - known.at < REFRESH_MS) return known.value;
    const cluster = this.#config.getCurrentCluster();
    if (cluster === null)
      throw new Error('KUBECONFIG: no current context, or it names no cluster; set current-context');
    const options: Tls & { headers?: Record<string, string>; auth?: string } = {};
    await this.#config.applyToHTTPSOptions(options as never);
    const { headers: given, auth } = options;
    const headers: Record<string, string> = { ...given };
    if (auth !== undefined) headers['Authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;

    const tls = tlsOf(options);
    const fingerprint = JSON.stringify([cluster.server, cluster.proxyUrl, tls], (_, value: unknown) =>
      Buffer.isBuffer(value) ? value.toString('base64') : value,
    );
    let dispatcher = known?.value.dispatcher;
    if (dispatcher === undefined || known?.fingerprint !== fingerprint) {
      // what is under way on the old pool may finish
      void dispatcher?.close().catch(() => undefined);
      dispatcher = dispatcherFor(tls, cluster.proxyUrl);
    }
    const server = cluster.server.replace(/\/+$/, '');
    const value: Access = { server, headers, dispatcher, tls, proxyUrl: cluster.proxyUrl };
    this.#access = { value, at: this.#clock.monotonic(), fingerprint };
    return value;
  }

  /** Ends every request and connection. */
  async close(): Promise<void> {
    const dispatcher = this.#access?.value.dispatcher;
    this.#access = undefined;
    await dispatcher?.destroy();
  }
}

function tlsOf(options: Tls): Tls {
  const { ca, cert, key, rejectUnauthorized, servername } = options;
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
    ...(servername !== undefined && { servername }),
  };
}

function dispatcherFor(tls: Tls, proxyUrl: string | undefined): Dispatcher {
  // deadlines are the callers', by their signal: watches live for minutes
  const common = { headersTimeout: 0, bodyTimeout: 0, connections: 64 };
  if (proxyUrl !== undefined && proxyUrl !== '') return new ProxyAgent({ ...common, uri: proxyUrl, requestTls: tls });
  const connect = resettingConnector({ ...tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 15_000 });
  return new Agent({ ...common, connect });
}
