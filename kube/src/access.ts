import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { resettingConnector } from './resetting-connector.ts';

/** Everything that a request needs to reach the API server with this program's identity. */
export interface Access {
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  /** Ends every request and connection of the dispatcher. */
  readonly end: () => Promise<void>;
  readonly tls: Tls;
  readonly proxyUrl: string | undefined;
  /** Fingerprint of the dispatcher's certificates and addresses. */
  readonly fingerprint: string;
}

export interface Tls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
}

/** Most connections to one server; further requests wait. */
const CONNECTIONS = 64;
/** An idle connection is closed after this time, before the server closes it (90 s) during a request. Milliseconds. */
const IDLE_MS = 30_000;
const CONNECT_MS = 10_000;

/**
 * The current content of the kubeconfig and of the files that it names. `kept`: the present access, whose pool stays in use if certificates and
 * proxy are unchanged.
 */
export async function accessOf(config: KubeConfig, kept: () => Access | undefined): Promise<Access> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('KUBECONFIG: no current context, or it names no cluster; set current-context');
  const options: Tls & { headers?: Record<string, string>; auth?: string } = {};
  await config.applyToHTTPSOptions(options as never);
  const { headers: given, auth } = options;
  const headers: Record<string, string> = { ...given };
  if (auth !== undefined) headers['Authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;

  const tls = tlsOf(options);
  const { proxyUrl } = cluster;
  const fingerprint = JSON.stringify([cluster.server, proxyUrl, tls], (_, value: unknown) =>
    Buffer.isBuffer(value) ? value.toString('base64') : value,
  );
  const before = kept();
  const { dispatcher, end } = before?.fingerprint === fingerprint ? before : poolFor(tls, proxyUrl);
  return { server: cluster.server.replace(/\/+$/, ''), headers, dispatcher, end, tls, proxyUrl, fingerprint };
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

function poolFor(tls: Tls, proxyUrl: string | undefined): Pick<Access, 'dispatcher' | 'end'> {
  // the callers' signals carry the deadlines: watches live for minutes
  const common = { headersTimeout: 0, bodyTimeout: 0, connections: CONNECTIONS, keepAliveTimeout: IDLE_MS };
  if (proxyUrl !== undefined && proxyUrl !== '') {
    const uri = proxyUrl.replace(/^socks5h:/, 'socks5:');
    const proxy = new ProxyAgent({ ...common, uri, requestTls: tls });
    return { dispatcher: proxy, end: () => proxy.destroy() };
  }
  const options = { ...tls, timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: 15_000 };
  const { connect, giveUp } = resettingConnector(options);
  const agent = new Agent({ ...common, connect });
  return {
    dispatcher: agent,
    end: async () => {
      giveUp();
      await agent.destroy();
    },
  };
}
