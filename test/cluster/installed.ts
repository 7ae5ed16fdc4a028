import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RfbClient } from '@streamspace/testkit';
import type { Agent, Session, Ticket } from '@streamspace/protocol';
import { parse } from 'yaml';
import { createWebSocketStream, WebSocket } from 'ws';
import { TEMPLATE } from '../../ci/ha/counter.ts';
import { writeValues } from '../../ci/ha/kubernetes/values.ts';
import { isThere, type KindCluster, makeCluster, removeCluster } from '../../ci/kind/cluster.ts';
import { buildPrograms, fetched, PROGRAMS, STORE } from '../../ci/kind/images.ts';
import { install } from '../../ci/kind/install.ts';
import { read, root, runBlock } from '../support/docs.ts';
import { until } from '../support/until.ts';

type Values = Record<string, unknown>;
export interface Answer<T> {
  status: number;
  body: T;
}

/** For work on the tests: the cluster stays, and the next run continues with it (`-t 'some of them'`). */
const KEEP = process.env['KEEP_CLUSTER'] === '1';
/** Longest start of a pod, on a busy machine. */
const SLOW_MS = 180_000;

/** A kind cluster with the chart in it, made by the documentation's commands, and its reader: environment, curl, a viewer. */
export class Installed {
  readonly cluster: KindCluster;
  readonly folder: string;
  /** Environment variables of the pages. */
  readonly env: Record<string, string>;
  readonly #wasThere: boolean;

  private constructor(cluster: KindCluster, wasThere: boolean) {
    this.cluster = cluster;
    this.#wasThere = wasThere;
    this.folder = mkdtempSync(join(tmpdir(), 'operations-'));
    const api = /^api\(\) (\{.*?\});/m.exec(read('docs/operations.md'))?.[1];
    if (api === undefined) throw new Error('docs/operations.md no longer defines api()');
    this.env = {
      KUBECONFIG: cluster.kubeconfig,
      HUB: cluster.hub,
      AGENT: 'ha',
      NAMESPACE: 'streamspace',
      TENANT: 'tenant-a',
      VALUES: join(this.folder, 'values.json'),
      TENANT_VALUES: join(this.folder, 'tenant.json'),
      TOKEN: '',
      // as `export -f api` leaves it
      'BASH_FUNC_api%%': `() ${api}`,
    };
  }

  static async make(name = process.env['KIND_CLUSTER'] ?? 'streamspace'): Promise<Installed> {
    await buildPrograms(['api', 'agent']);
    await fetched(STORE);
    const wasThere = await isThere(name);
    const cluster = await makeCluster(name);
    await cluster.load([PROGRAMS.api, PROGRAMS.agent, STORE]);
    const made = new Installed(cluster, wasThere);
    // the store can't leave the node of its volume: the first installation decides it
    if (wasThere && !KEEP) await made.#uninstall();
    await made.#writeValues();
    if (wasThere && KEEP) await made.signIn().catch(() => undefined);
    return made;
  }

  async #uninstall(): Promise<void> {
    await this.cluster.helm(['uninstall', 'tenant-a', '-n', 'tenant-a', '--ignore-not-found', '--wait']);
    await this.cluster.helm(['uninstall', 'streamspace', '-n', 'streamspace', '--ignore-not-found', '--wait']);
    await this.kubectl('delete', 'namespace', 'tenant-a', 'plain', 'streamspace', '--ignore-not-found');
  }

  /** Light sessions, few resources, and the hub at a port of the host. */
  async #writeValues(): Promise<void> {
    await writeValues(this.env['VALUES']!);
    const light = JSON.parse(readFileSync(this.env['VALUES']!, 'utf8')) as Values & {
      k8sAgent: { config: { session: Values } };
    };
    const { redis: _redis, ...kind } = parse(readFileSync(`${root}ci/kind-values.yaml`, 'utf8')) as Values;
    const tokens = { api: { agentTokens: { existingSecret: { name: 'streamspace-agent-tokens' } } } };
    writeFileSync(this.env['VALUES']!, JSON.stringify(merged(merged(kind, light), tokens)));
    const requests = { cpu: '20m', memory: '96Mi', 'ephemeral-storage': '16Mi' };
    const tenant = {
      agent: {
        priority: 'low',
        replicaCount: 2,
        resources: { requests, limits: { memory: '256Mi' } },
        config: {
          reconnectDelay: '500ms',
          maxReconnectDelay: '5s',
          session: { cpu: '50m', memory: '64Mi', storage: '64Mi', ...light.k8sAgent.config.session },
        },
        logFile: {
          enabled: true,
          // the store's image has a shell and tail
          sidecar: {
            name: 'shipper',
            image: STORE,
            command: ['tail', '-n', '+1', '-F', '/var/log/streamspace/streamspace.log'],
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            resources: { requests: { ...requests, memory: '16Mi' }, limits: { memory: '32Mi' } },
          },
        },
      },
      ha: { enabled: true },
    };
    writeFileSync(this.env['TENANT_VALUES']!, JSON.stringify(tenant));
  }

  /** Runs a block of a page, with more in its environment. */
  run(where: string, more: Record<string, string> = {}, limitMs = 600_000): Promise<string> {
    return runBlock(where, { ...this.env, ...more }, limitMs);
  }

  /** As an admin, with a token made as docs/install.md says. */
  async signIn(): Promise<void> {
    // it prints the token's expiry on standard error
    this.env['TOKEN'] = /^eyJ[\w.-]+$/m.exec(await this.run('docs/install.md#admin-token'))![0];
  }

  kubectl(...args: string[]): Promise<string> {
    return this.cluster.kubectl(args);
  }

  async api<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const answer = await fetch(`${this.cluster.hub}/api/v1${path}`, {
      method,
      signal: AbortSignal.timeout(10_000),
      headers: {
        authorization: `Bearer ${this.env['TOKEN']}`,
        connection: 'close',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? undefined : JSON.parse(text)) as T };
  }

  async agent(id: string): Promise<Agent> {
    return (await this.api<Agent>('GET', `/agents/${id}`)).body;
  }

  /** Waits until the hub has a connection of that agent. */
  connected(id: string): Promise<Agent> {
    return until(
      `agent ${id} is connected`,
      async () => {
        const now = await this.agent(id);
        return now.connected && now.status !== 'offline' ? now : undefined;
      },
      SLOW_MS,
    );
  }

  /** A session of the light template, accepted; `agent`: one in particular. */
  async session(agent?: string): Promise<Session> {
    const wish = { template: TEMPLATE, ...(agent !== undefined && { agent }) };
    const { status, body } = await this.api<{ session: Session }>('POST', '/sessions', wish);
    if (status !== 202) throw new Error(`POST /sessions: ${status} ${JSON.stringify(body)}`);
    return body.session;
  }

  /** Waits until a session is in that state. */
  reached(id: string, state: Session['state']): Promise<Session> {
    return until(
      `session ${id} is ${state}`,
      async () => {
        const { status, body } = await this.api<Session>('GET', `/sessions/${id}`);
        if (status === 404) return state === 'gone' ? ({ id, state } as Session) : undefined;
        if (body.state === state) return body;
        if (body.state === 'failed') throw new Error(`it failed: ${body.reason}`);
        return undefined;
      },
      SLOW_MS,
    );
  }

  /** Waits until a session has failed. */
  failed(id: string): Promise<Session> {
    return until(
      `session ${id} fails`,
      async () => {
        const { body } = await this.api<Session>('GET', `/sessions/${id}`);
        return body.state === 'failed' ? body : undefined;
      },
      SLOW_MS,
    );
  }

  async delete(id: string): Promise<void> {
    await this.api('DELETE', `/sessions/${id}`);
    await this.reached(id, 'gone');
  }

  /** A session's screen shows a number that only grows while its program is the same. Retries, as the page does. */
  shows(session: string): Promise<number> {
    return until('the screen shows something', () => this.#look(session), SLOW_MS);
  }

  async #look(session: string): Promise<number> {
    const { status, body } = await this.api<Ticket>('POST', `/sessions/${session}/ticket`, {});
    if (status !== 201) throw new Error(`ticket: ${status} ${JSON.stringify(body)}`);
    const limit = AbortSignal.timeout(10_000);
    const socket = new WebSocket(this.cluster.hub.replace('http', 'ws') + body.url, ['binary'], {
      handshakeTimeout: 5_000,
    });
    const stream = createWebSocketStream(socket);
    stream.on('error', () => undefined);
    try {
      const client = await RfbClient.open(stream, limit);
      await client.until(() => client.updates > 0, limit);
      return client.picture.at(0, 0);
    } finally {
      stream.destroy();
      socket.terminate();
    }
  }

  async replicas(deployment: string, namespace = 'streamspace'): Promise<string> {
    const path = '{.status.readyReplicas}/{.spec.replicas}';
    return this.kubectl('-n', namespace, 'get', 'deployment', deployment, '-o', `jsonpath=${path}`);
  }

  /** An existing cluster gets a release as `npm run kind:up` makes it; one made for the test is deleted. */
  async close(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    if (KEEP) return;
    if (this.#wasThere) {
      await this.#uninstall();
      await install(this.cluster);
    } else await removeCluster(this.cluster.name);
  }
}

/** Maps are merged, anything else is the second's. */
function merged(a: Values, b: Values): Values {
  const both = (x: unknown, y: unknown): unknown => (isMap(x) && isMap(y) ? merged(x, y) : y);
  return { ...a, ...Object.fromEntries(Object.entries(b).map(([key, value]) => [key, both(a[key], value)])) };
}

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);
