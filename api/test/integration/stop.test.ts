import { type AddressInfo, connect } from 'node:net';
import { expect, it, vi } from 'vitest';
import { Rest } from '../support/rest.ts';

const listen = async (hub: Rest): Promise<number> => {
  await hub.app.listen({ port: 0, host: '127.0.0.1' });
  return (hub.app.server.address() as AddressInfo).port;
};

it('the hub does not wait for connections on which nothing was said, as browsers keep them', async () => {
  const hub = await Rest.start();
  const silent = connect(await listen(hub), '127.0.0.1');
  const over = new Promise<void>((resolve) => silent.once('close', () => resolve()));
  await new Promise<void>((resolve) => hub.app.server.once('connection', () => resolve()));
  await hub.stop();
  await over;
  expect(hub.clock.pending).toBe(0);
});

it('the hub waits for requests under way, but not for ever', async () => {
  let asked = false;
  let answer = (): void => {};
  const hub = await Rest.start({}, (store) => ({
    ...store,
    sessions: {
      ...store.sessions,
      list: ({ user }) => {
        asked = true;
        return new Promise((resolve) => {
          if (user === 'alice') answer = () => resolve([]);
        });
      },
    },
  }));
  const port = await listen(hub);
  const get = async (user: string) =>
    fetch(`http://127.0.0.1:${port}/api/v1/sessions`, {
      headers: { authorization: `Bearer ${await hub.sign({ sub: user })}` },
    });
  const first = get('alice');
  await vi.waitFor(() => expect(asked).toBe(true));
  asked = false;
  const second = get('bob').catch(() => 'cut');
  await vi.waitFor(() => expect(asked).toBe(true));
  const stopped = hub.app.close();
  await vi.waitFor(() => expect(hub.clock.pending).toBe(1));
  answer();
  expect((await first).status).toBe(200);
  await hub.clock.advance(3_000);
  expect(await second).toBe('cut');
  await stopped;
  expect(hub.clock.pending).toBe(0);
});
