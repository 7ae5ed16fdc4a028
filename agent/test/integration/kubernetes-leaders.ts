import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { KubeApiserver, type KubeApiserverOptions } from '@streamspace/testkit';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { KubernetesDriver } from '../../src/sessions/kubernetes/driver.ts';
import { type KubernetesPlace, kubernetesPlace } from './kubernetes-place.ts';

export const soon = () => AbortSignal.timeout(40_000);

export interface Leaders {
  /** Of the suite: a namespace under Pod Security `restricted`, or with other labels, from `beforeAll` on. */
  readonly server: KubeApiserver;
  readonly place: KubernetesPlace;
  /** A small session that no other test has. */
  readonly spec: (changes?: Partial<SessionSpec>) => SessionSpec;
  readonly op: (term?: number, commandId?: string) => { commandId: string; term: number; signal: AbortSignal };
  /** A leader that watches, until the test is over; its news by session. */
  readonly leader: (changes?: Parameters<KubernetesPlace['makeDriver']>[0]) => {
    driver: KubernetesDriver;
    news: { id: string; status: SessionStatus | undefined }[];
  };
  /** A driver that dies at a step: it stops there, and never says another word. */
  readonly dying: (at: string) => { driver: KubernetesDriver; died: Promise<void> };
  /** Names of a session's pods and Services. */
  readonly left: (id: string) => Promise<string[]>;
}

/** What suites of the Kubernetes driver on a real API server need; called in a `describe`. */
export function leadersIn(
  namespace: string,
  {
    labels = { 'pod-security.kubernetes.io/enforce': 'restricted' },
    ...options
  }: KubeApiserverOptions & { readonly labels?: Readonly<Record<string, string>> } = {},
): Leaders {
  let server: KubeApiserver;
  let place: KubernetesPlace;
  let count = 0;
  const watching: AbortController[] = [];

  beforeAll(async () => {
    server = await KubeApiserver.start(options);
    place = await kubernetesPlace(server, namespace, labels);
  }, 90_000);
  afterEach(() => {
    place.kubelet.fate = () => undefined;
    for (const each of watching.splice(0)) each.abort();
  });
  afterAll(async () => {
    await place?.cleanup();
    await server?.stop();
  });

  return {
    get server() {
      return server;
    },
    get place() {
      return place;
    },
    spec(changes = {}) {
      const id = `s${count++}`;
      const size = { cpu: 0.1, memory: 1e8, storage: 1e9 };
      const base = { id, user: id, template: 'desktop', name: '', ...size, image: '', env: {} };
      return { ...base, created_at: '2026-01-31T12:00:00.000Z', ...changes };
    },
    op: (term = 1, commandId = `command-${count++}`) => ({ commandId, term, signal: soon() }),
    leader(changes = {}) {
      const driver = place.makeDriver(changes);
      const news: { id: string; status: SessionStatus | undefined }[] = [];
      const stop = new AbortController();
      watching.push(stop);
      void driver.watch((id, status) => news.push({ id, status }), stop.signal);
      return { driver, news };
    },
    dying(at) {
      let reached!: () => void;
      const died = new Promise<void>((resolve) => (reached = resolve));
      const driver = place.makeDriver({
        step: async (step) => {
          if (step !== at) return;
          reached();
          await new Promise(() => undefined);
        },
      });
      return { driver, died: died.then(() => driver.close()) };
    },
    async left(id) {
      const query = { labelSelector: `session=${id}` };
      const [pods, services] = await Promise.all([
        place.client.list('pods', query, soon()),
        place.client.list('services', query, soon()),
      ]);
      return [...pods.items, ...services.items].map(({ metadata }) => metadata!.name!);
    },
  };
}
