import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { V1Pod } from '@kubernetes/client-node';
import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { RfbClient } from '@streamspace/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubernetesDriver } from '../../src/sessions/kubernetes/driver.ts';
import type { KubernetesDriverOptions } from '../../src/sessions/kubernetes/options.ts';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import type { WarmTemplate } from '../../src/sessions/core/warm-templates.ts';
import { fastClock } from './kubernetes-clock.ts';
import { type ClusterPlace, clusterPlace, SMALL, type SessionCluster } from './kubernetes-cluster.ts';
import { until } from './kubernetes-place.ts';
import { ECHO, NO_HOME, tiny } from './kubernetes-programs.ts';

const soon = (ms = 120_000) => AbortSignal.timeout(ms);
const KIOSK: WarmTemplate = {
  id: 'kiosk',
  template: 'kiosk',
  image: '',
  cpu: 0.01,
  memory: 3e7,
  storage: 1e7,
  env: NO_HOME,
  warm: 2,
};

/** Sessions on real nodes: many, templates of other people, an API server that is away, an agent that dies. */
export function realSessions(cluster: () => SessionCluster): void {
  describe('sessions on real nodes', () => {
    let place: ClusterPlace;
    let namespace: string;
    let count = 0;
    const leaders: (() => Promise<void>)[] = [];
    const news: { id: string; status: SessionStatus | undefined }[] = [];

    beforeEach(async () => {
      namespace = `nodes-${count++}`;
      place = await clusterPlace(cluster(), namespace, cluster().routed ? 'direct' : 'port-forward');
    });
    afterEach(async () => {
      for (const stop of leaders.splice(0)) await stop();
      await place.cleanup();
    });
    const spec = (changes: Partial<SessionSpec> = {}): SessionSpec => {
      const id = `n-${count++}`;
      const base = { id, user: id, template: 'desktop', name: '', cpu: 0.01, memory: 3e7, storage: 1e7, image: '' };
      return { ...base, env: NO_HOME, created_at: '2026-01-31T12:00:00.000Z', ...changes };
    };
    const op = (term = 1, commandId = `command-${count++}`) => ({ commandId, term, signal: soon() });
    const leader = (changes: Partial<KubernetesDriverOptions> = {}): KubernetesDriver => {
      const driver = place.makeDriver({ podTemplate: ECHO, ...changes });
      const stop = new AbortController();
      const watch = driver.watch((id, status) => news.push({ id, status }), stop.signal);
      leaders.push(async () => {
        stop.abort();
        await watch;
      });
      return driver;
    };
    const pods = async (selector: string): Promise<V1Pod[]> =>
      (await place.client.list<V1Pod>('pods', { labelSelector: selector }, soon())).items;
    const names = async (id: string): Promise<string[]> => {
      const query = { labelSelector: `session=${id}` };
      const lists = await Promise.all([
        place.client.list('pods', query, soon()),
        place.client.list('services', query, soon()),
      ]);
      return lists.flatMap(({ items }) => items.map(({ metadata }) => metadata!.name!));
    };
    const told = (id: string) => news.filter((each) => each.id === id).at(-1)?.status;
    const onNode = (script: string) => cluster().onNode(script);

    it('creates fifty at once, each once, and removes them', async () => {
      const driver = leader({ startDeadline: 240_000 });
      const fifty = Array.from({ length: 50 }, () => spec());
      const slow = () => ({ ...op(), signal: soon(300_000) });
      const made = await Promise.all(fifty.map((one) => driver.create(one, slow())));
      expect(made.map(({ state }) => state)).toEqual(fifty.map(() => 'running'));
      const there = await pods('app=session');
      expect(there).toHaveLength(50);
      expect(new Set(there.map(({ metadata }) => metadata!.labels!['session'])).size).toBe(50);
      await Promise.all(fifty.map(({ id }) => driver.delete(id, { deleteHome: true }, slow())));
      expect(await pods('app=session')).toEqual([]);
    }, 400_000);

    it('shows the terminal template', async () => {
      const driver = leader({ podTemplate: SMALL });
      const one = spec({ template: 'terminal', env: { STREAMSPACE_START: 'terminal' }, memory: 268_435_456 });
      await driver.create(one, op());
      const viewer = await RfbClient.open(await driver.connect(one.id, soon()), soon());
      await viewer.firstPicture(soon());
      const { width, height } = viewer.picture;
      // a terminal over all of it: where the desktop would have its background, there is paper
      await until(async () => pixel(viewer, width - 200, height - 60) === 0xfbfcfe, soon());
      viewer.pointer(width >> 1, height >> 1, 1);
      viewer.pointer(width >> 1, height >> 1, 0);
      const changed = viewer.waitForChange(undefined, soon());
      viewer.type('echo hello\n');
      await changed;
      viewer.close();
    });

    it('runs another VNC image as the documentation wraps it: its port, its home, its variables, its password', async () => {
      // stands for an image of somebody else: another server, another place for files, another name for the password
      const foreign = tiny(
        'bash',
        '-c',
        'printf %s "$VNC_PW" | vncpasswd -f > /config/passwd && echo "$LICENCE_SERVER" > /config/licence && ' +
          'exec Xvnc :7 -rfbport 5901 -SecurityTypes VncAuth -PasswordFile /config/passwd -geometry 640x480 -desktop "$SESSION_USER" -UseBlacklist=0',
      );
      const driver = leader({ podTemplate: foreign });
      const one = spec({
        template: 'cad',
        user: 'ada',
        memory: 268_435_456,
        env: { VNC_PORT: '5901', HOME: '/config', VNC_PW: 'secret', LICENCE_SERVER: '27000@$(licences)' },
      });
      expect(await driver.create(one, op())).toMatchObject({ state: 'running' });
      const screen = await driver.connect(one.id, soon());
      expect(await desktopNameBehind(screen, 'secret')).toBe('ada');
      expect(await desktopNameBehind(await driver.connect(one.id, soon()), 'wrong')).toBeUndefined();
      const kept = cluster().kubectl('exec', '-n', namespace, sessionName(one.id), '--', 'cat', '/config/licence');
      expect(kept.trim()).toBe('27000@$(licences)');
      await driver.delete(one.id, { deleteHome: true }, op());
    });

    it('keeps pods warm: a session gets one that runs, and it learns whose it is', async () => {
      const driver = leader({ warm: [KIOSK] });
      const ready = async () => {
        const waiting = await pods('warm=kiosk');
        const all = waiting.every(({ status }) =>
          status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
        );
        return waiting.length === 2 && all && waiting;
      };
      const before = (await until(ready, soon())) as V1Pod[];
      const one = spec({ id: 'kiosk-1', user: 'Ada Lovelace', ...onlySpec(KIOSK) });
      expect(await driver.create(one, op())).toMatchObject({ state: 'running' });
      const [pod] = await pods('session=kiosk-1');
      expect(before.map(({ metadata }) => metadata!.uid)).toContain(pod!.metadata!.uid);
      const screen = await driver.connect(one.id, soon());
      await once(screen, 'data');
      screen.destroy();
      const whose = () =>
        cluster().kubectl(
          'exec',
          '-n',
          namespace,
          pod!.metadata!.name!,
          '--',
          'cat',
          '/etc/streamspace/session/id',
          '/etc/streamspace/session/user',
        );
      await until(async () => whose() === 'kiosk-1Ada Lovelace', soon());
      await until(ready, soon());
    }, 200_000);

    const kills = [
      ['create', ['record made', 'pod made', 'pod ready']],
      ['create with a home', ['home made']],
      ['delete', ['record changed', 'pod removed']],
      ['delete with the home', ['home removed']],
    ] as const;
    it.for(kills)('agent killed at each step of %s: nothing twice, nothing left over', async ([what, steps]) => {
      const killed = await Promise.all(
        steps.map(async (at) => {
          const one = spec(what.includes('home') ? { env: {} } : {});
          const commandId = `kill-${one.id}`;
          let reached!: () => void;
          const died = new Promise<void>((resolve) => (reached = resolve));
          const driver = place.makeDriver({
            podTemplate: ECHO,
            step: async (step) => {
              if (step !== at) return;
              reached();
              await new Promise(() => undefined);
            },
          });
          const creating = driver.create(one, op(1, commandId));
          creating.catch(() => undefined);
          if (what.startsWith('delete')) {
            await creating;
            driver.delete(one.id, { deleteHome: what.includes('home') }, op(1)).catch(() => undefined);
          }
          await died;
          await driver.close();
          return { one, at, commandId };
        }),
      );
      // time runs faster, so that what is abandoned after half a minute is so after three seconds
      const next = leader({ clock: fastClock(10), startDeadline: 600_000 });
      for (const { one, at, commandId } of killed) {
        if (what.startsWith('delete')) {
          await until(async () => (await names(one.id)).length === 0, soon());
          continue;
        }
        if (at === 'pod made') {
          expect(await next.create(one, op(2, commandId))).toMatchObject({ state: 'running' });
        }
        const runs = at !== 'record made' && at !== 'home made';
        const state = async () => (await next.list(soon())).find((each) => each.spec.id === one.id)?.state;
        await until(async () => (runs ? (await state()) === 'running' : (await names(one.id)).length === 0), soon());
        expect(await names(one.id)).toHaveLength(runs ? 2 : 0);
      }
    });

    it('force drain by label: sessions and warm pods go, homes stay; or only pods, and sessions can be woken', async () => {
      const driver = leader();
      const [one, two] = [spec({ env: {} }), spec({ env: {} })];
      await Promise.all([driver.create(one, op()), driver.create(two, op())]);
      const label = 'app=session,agent=agent-1';
      cluster().kubectl('delete', 'pods', '-n', namespace, '-l', label, '--grace-period=1');
      await until(async () => told(one.id)?.state === 'failed' && told(two.id)?.state === 'failed', soon());
      expect(await driver.wake(one.id, op())).toMatchObject({ state: 'running' });
      cluster().kubectl('delete', 'svc,pods', '-n', namespace, '-l', label, '--grace-period=1');
      await until(async () => news.some(({ id, status }) => id === one.id && status === undefined), soon());
      await until(async () => (await pods(label)).length === 0, soon());
      expect(await driver.list(soon())).toEqual([]);
      const homes = await place.client.list('persistentvolumeclaims', { labelSelector: label }, soon());
      expect(homes.items).toHaveLength(2);
    });

    it('API server away for a minute: screens by the direct way go on, commands wait, nothing is lost', async ({
      skip,
    }) => {
      if (!cluster().routed) skip('pods’ addresses are not reached from here');
      const driver = leader();
      const one = spec();
      await driver.create(one, op());
      const screen = await driver.connect(one.id, soon());
      await once(screen, 'data');
      let heard = 0;
      screen.on('data', (data: Buffer) => (heard += data.length));
      let said = 0;
      expect(onNode('kill -STOP $(pidof kube-apiserver)')).toBe(true);
      let late: Promise<SessionStatus>;
      const other = spec();
      try {
        late = driver.create(other, { commandId: 'late', term: 1, signal: soon(280_000) });
        late.catch(() => undefined);
        for (let second = 0; second < 60; second++) {
          screen.write('x');
          said++;
          await until(async () => heard === said, soon(10_000));
          await new Promise((resolve) => setTimeout(resolve, 1000));
        }
        // new viewers come in, too: the address is known
        const another = await driver.connect(one.id, soon(5_000));
        await once(another, 'data');
        another.destroy();
      } finally {
        onNode('kill -CONT $(pidof kube-apiserver)');
      }
      expect(await late).toMatchObject({ state: 'running' });
      expect(heard).toBe(said);
      screen.destroy();
      // its node may have been taken for lost for a moment
      await until(async () => (await driver.list(soon())).every(({ state }) => state === 'running'), soon());
      expect(await names(one.id)).toHaveLength(2);
      expect(await names(other.id)).toHaveLength(2);
    }, 400_000);
  });
}

const onlySpec = ({ template, image, cpu, memory, storage, env }: WarmTemplate) => ({
  template,
  image,
  cpu,
  memory,
  storage,
  env,
});

function pixel({ picture }: RfbClient, x: number, y: number): number {
  return picture.pixels[y * picture.width + x]! & 0xffffff;
}

/** The name of the desktop, for who knows its password (VNC authentication: DES of a challenge); undefined for others. */
async function desktopNameBehind(screen: Duplex, password: string): Promise<string | undefined> {
  const chunks = screen[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let left: Buffer = Buffer.alloc(0);
  const read = async (size: number) => {
    while (left.length < size) {
      const { value, done } = await chunks.next();
      if (done === true) throw new Error('The screen ended');
      left = Buffer.concat([left, value]);
    }
    const taken = left.subarray(0, size);
    left = left.subarray(size);
    return taken;
  };
  try {
    await read(12);
    screen.write('RFB 003.008\n');
    const types = await read((await read(1))[0]!);
    expect([...types]).toEqual([2]);
    screen.write(Buffer.of(2));
    const challenge = await read(16);
    const reversed = (byte: number) =>
      Number.parseInt(byte.toString(2).padStart(8, '0').split('').reverse().join(''), 2);
    const key = Buffer.from([...Buffer.alloc(8, 0).fill(password, 0, Math.min(8, password.length))].map(reversed));
    const des = createCipheriv('des-ede3-ecb', Buffer.concat([key, key, key]), null).setAutoPadding(false);
    screen.write(des.update(challenge));
    if ((await read(4)).readUInt32BE() !== 0) return undefined;
    screen.write(Buffer.of(1));
    const init = await read(24);
    return (await read(init.readUInt32BE(20))).toString();
  } finally {
    screen.destroy();
  }
}
