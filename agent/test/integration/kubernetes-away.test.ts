import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { kubeApiserverMissing } from '@streamspace/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { TestCommands } from './kubernetes-commands.ts';
import { leadersIn, soon } from './kubernetes-leaders.ts';
import { until } from './kubernetes-place.ts';

const missing = kubeApiserverMissing();

describe.skipIf(missing !== undefined)(
  `an API server that is away, or whose webhook is${missing ? `: ${missing}` : ''}`,
  () => {
    const suite = leadersIn('away');
    const { spec, op, leader } = suite;
    const ends: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0).toReversed()) await end();
    });

    const HOOKS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
    /** A webhook for the pods of the suite's namespace, which a server at that port serves, or fails to. */
    async function webhook(port: number): Promise<() => Promise<unknown>> {
      const raw = (method: 'POST' | 'DELETE', path: string, body?: object) =>
        suite.place.client.raw(method, path, body, 'application/json', soon());
      await raw('POST', HOOKS, {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'policy' },
        webhooks: [
          {
            name: 'policy.example.com',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            failurePolicy: 'Fail',
            timeoutSeconds: 8,
            clientConfig: { url: `https://127.0.0.1:${port}/` },
            rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
          },
        ],
      });
      return () => raw('DELETE', `${HOOKS}/policy`);
    }
    /** Takes connections, and says nothing. */
    async function hanging(): Promise<number> {
      const server: Server = createServer((socket) => socket.on('error', () => undefined));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      ends.push(async () => server.close());
      return (server.address() as AddressInfo).port;
    }
    const reasons = (news: ReturnType<typeof leader>['news'], id: string) =>
      news.flatMap((each) => (each.id === id ? (each.status?.reason ?? []) : []));

    it.each([
      ['hangs', hanging],
      ['is down', async () => 1],
    ])(
      'K4 a webhook that %s is the reason of the session and the agent’s trouble, until it is mended',
      async (_, port) => {
        const { driver, news } = leader({ startDeadline: 60_000 });
        await until(async () => (await driver.list(soon())) !== undefined, soon());
        const mend = await webhook(await port());
        const one = spec();
        // the API server reads its webhooks from a cache of its own
        const created = driver.create(one, op());
        await until(
          async () => reasons(news, one.id).some((reason) => /failed calling webhook "policy/.test(reason)),
          soon(),
        );
        expect(driver.trouble).toMatch(/failed calling webhook "policy/);
        await mend();
        expect(await created).toEqual({ spec: one, state: 'running' });
        expect(driver.trouble).toBeUndefined();
      },
    );

    it('K4 while creates wait for a webhook, another session is deleted, and so are they: no slot is held, the delete aborts the create', async () => {
      const { driver, news } = leader({ startDeadline: 60_000 });
      const runs = spec();
      await driver.create(runs, op());
      const mend = await webhook(await hanging());
      ends.push(() => mend());
      const commands = new TestCommands(driver, { concurrency: 2, timeout: 60_000 });
      const waiting = [spec(), spec(), spec()];
      for (const each of waiting) commands.create(each);
      await until(async () => waiting.every(({ id }) => reasons(news, id).length > 0), soon());
      commands.delete(runs.id);
      for (const { id } of waiting) commands.delete(id);
      await until(async () => commands.results.size === 7, soon());
      expect(Object.fromEntries(commands.results)).toEqual({
        [`delete-${runs.id}`]: 'done',
        ...Object.fromEntries(waiting.map(({ id }) => [`create-${id}`, 'command_aborted'])),
        ...Object.fromEntries(waiting.map(({ id }) => [`delete-${id}`, 'done'])),
      });
      for (const { id } of waiting) expect(await suite.left(id)).toEqual([]);
    });

    it('K4 the API server away: the reason and the trouble within 10 s, gone when it is back', async () => {
      const { driver, news } = leader({ startDeadline: 60_000 });
      await driver.create(spec(), op());
      await suite.server.down();
      let up = false;
      ends.push(async () => void (up || (await suite.server.up())));
      const one = spec();
      const created = driver.create(one, op());
      await until(async () => reasons(news, one.id).length > 0, AbortSignal.timeout(10_000));
      expect(reasons(news, one.id)[0]).toMatch(/API server does not answer/);
      expect(driver.trouble).toMatch(/API server does not answer/);
      await suite.server.up();
      up = true;
      expect(await created).toEqual({ spec: one, state: 'running' });
      await until(async () => driver.trouble === undefined, soon());
    });
  },
  90_000,
);
