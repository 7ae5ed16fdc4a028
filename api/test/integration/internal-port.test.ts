import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { signPeer } from '../../src/peers/credential.ts';
import { TestHub } from '../support/hub.ts';
import { opened, type RefusedUpgrade } from '../support/scripted-agent.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

let nonce = 0;
/** What a replica of this hub shows: good for one request. */
const credential = (purpose: 'probe' | 'close' | 'supersede' | 'rotate' | 'screen') =>
  `Peer ${signPeer(
    hub.deps.config.peerSecrets[0]!,
    { purpose, to: hub.address, agent: 'a1', session: 's1', user: 'ann', connection: 'c' },
    { now: hub.clock.now(), nonce: `n${++nonce}` },
  )}`;
const outside = () => `http://127.0.0.1:${hub.port}`;

it('S12 the public port has no metrics, at any of its paths, and says nothing of them', async () => {
  for (const path of ['/metrics', '/api/v1/metrics', '/metrics/', '/METRICS', '//metrics', '/metrics?x=1']) {
    const answer = await fetch(`${outside()}${path}`);
    expect(await answer.text(), path).not.toContain('streamspace_hub');
    expect(answer.status, path).toBe(404);
  }
  const inside = await fetch(`${hub.address}/metrics`);
  expect(inside.status).toBe(200);
  expect(await inside.text()).toContain('streamspace_hub_store_up 1');
});

it('S12 the public port answers nothing that replicas ask, whatever they show', async () => {
  for (const purpose of ['probe', 'close', 'supersede', 'rotate'] as const) {
    const ask = (at: string) =>
      fetch(`${at}/internal/v1/${purpose}`, { method: 'POST', headers: { authorization: credential(purpose) } });
    expect((await ask(outside())).status, purpose).toBe(404);
    expect((await ask(hub.address)).status, purpose).not.toBe(404);
  }
});

it('S12 a screen for another replica opens on the port of its own only', async () => {
  await hub.running();
  const dial = (at: string) =>
    opened(
      new WebSocket(`${at.replace('http', 'ws')}/internal/v1/sessions/s1/screen`, {
        headers: { authorization: credential('screen') },
      }),
    ).then(
      () => 101,
      (error: unknown) => (error as RefusedUpgrade).status,
    );
  expect(await dial(outside())).toBe(404);
  expect(await dial(hub.address)).toBe(101);
});

it('S12 agents, viewers, users and the page are not served on the inner port', async () => {
  for (const path of ['/', '/health', '/ready', '/api/v1/health', '/api/v1/sessions', '/docs', '/api/v1/openapi.json'])
    expect((await fetch(`${hub.address}${path}`)).status, path).toBe(404);
  const refused = await opened(
    new WebSocket(`${hub.address.replace('http', 'ws')}/api/v1/agent/connect`, ['streamspace.agent.v1'], {
      headers: { authorization: `Bearer ${await hub.credential()}` },
    }),
  ).catch((error: unknown) => error as RefusedUpgrade);
  expect(refused).toMatchObject({ status: 404 });
});

it('S12 both ports close with the hub', async () => {
  const ports = [hub.port, Number(new URL(hub.address).port)];
  await hub.app.close();
  for (const port of ports) {
    const code = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve('open'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(code).toBe('ECONNREFUSED');
  }
});
