import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AGENT_SUBPROTOCOL } from '@streamspace/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type AgentUnderTest, startAgent } from '../../agent/test/support/agent.ts';
import { specOf } from '../../agent/test/support/driver.ts';
import { ScriptedHub } from '../../agent/test/support/hub.ts';
import { TestHub } from '../../api/test/support/hub.ts';
import { until } from '../support/until.ts';

/**
 * Version 2 as it was: this does not follow today's schemas. Optional fields that an end of version 2 ignores [WIRE3]
 * would be harmless, but would mean that an end relies on them.
 */
const V2: Record<'agent' | 'hub', Record<string, readonly string[]>> = {
  agent: {
    hello: [
      'versions',
      'agent_id',
      'replica',
      'term',
      'platform',
      'region',
      'priority',
      'capacity',
      'build',
      'election',
    ],
    heartbeat: ['seq', 'status', 'capacity', 'active_sessions', 'replicas'],
    sessions: ['sessions', 'more'],
    session_state: ['session'],
    session_gone: ['session_id', 'reason'],
    ack: ['command_id', 'attempt'],
    result: ['command_id', 'attempt', 'error', 'session', 'sessions'],
    vnc_connected: ['stream_id', 'credit'],
    vnc_disconnect: ['stream_id', 'error'],
    credential_stored: ['rotation_id'],
    goodbye: ['reason'],
  },
  hub: {
    welcome: ['version', 'connection_id', 'term', 'heartbeat_ms', 'ping_ms'],
    refuse: ['error', 'remedy', 'term', 'retry_after_ms'],
    heartbeat_ack: ['seq'],
    command: ['id', 'attempt', 'action', 'session_id', 'spec', 'delete_home', 'trace_id'],
    vnc_connect: ['stream_id', 'session_id', 'credit'],
    vnc_disconnect: ['stream_id', 'error'],
    credential: ['rotation_id', 'token'],
    go_away: ['reason', 'reconnect_after_ms'],
  },
};

interface Spec {
  proof?: string;
}
interface Status {
  spec: Spec;
}

/** The part of a message that version 2 does not know; undefined if it knows all of it. */
function unknownToV2(from: 'agent' | 'hub', message: { type: string }): string | undefined {
  const known = V2[from][message.type];
  if (known === undefined) return message.type;
  const more = Object.keys(message).filter((name) => name !== 'type' && !known.includes(name));
  if (more.length > 0) return `${message.type}.${more.join(',')}`;
  // a spec is closed: an older version refuses what it does not know in it
  const { spec, session, sessions = [] } = message as { spec?: Spec; session?: Status; sessions?: Status[] };
  if (spec?.proof !== undefined) return `${message.type}.spec.proof`;
  if (session?.spec.proof !== undefined) return 'session.spec.proof';
  return sessions.some((each) => each.spec.proof !== undefined) ? 'sessions.spec.proof' : undefined;
}

/** Between an agent and its hub, as if the one or the other were of version 2: only that is offered, and all that passes is looked at. */
class VersionTwo {
  readonly alien: string[] = [];
  readonly said: string[] = [];
  readonly #server = createServer();
  readonly #wss = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: () => AGENT_SUBPROTOCOL,
  });

  constructor(hub: () => string) {
    this.#server.on('upgrade', (request, socket, head) => {
      const headers = { authorization: request.headers.authorization ?? '' };
      const far = new WebSocket(`${hub()}${request.url}`, AGENT_SUBPROTOCOL, { headers, perMessageDeflate: false });
      far.on('error', () => socket.destroy());
      far.on('open', () =>
        this.#wss.handleUpgrade(request, socket, head, (near) => {
          this.#pass('agent', near, far);
          this.#pass('hub', far, near);
        }),
      );
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #pass(who: 'agent' | 'hub', from: WebSocket, to: WebSocket): void {
    from.on('message', (data, binary) => {
      if (binary) return to.send(data as Buffer, { binary });
      const message = JSON.parse((data as Buffer).toString()) as { type: string };
      const alien = unknownToV2(who, message);
      if (alien !== undefined) this.alien.push(`${who}: ${alien}`);
      this.said.push(message.type);
      to.send(JSON.stringify(message.type === 'hello' ? { ...message, versions: [2] } : message));
    });
    from.on('error', () => to.terminate());
    from.on('close', (code) => (code === 1006 || code === 1005 ? to.terminate() : to.close(code)));
  }
}

let agent: AgentUnderTest | undefined;
const ends: (() => void | Promise<void>)[] = [];
beforeEach(() => (agent = undefined));
afterEach(async () => {
  await agent?.stop();
  for (const end of ends.splice(0).toReversed()) await end();
});

describe('[VER1] [VER2] versions N and N-1, over real sockets', () => {
  it('today’s agent and today’s hub at version 2: commands, a screen, a rotation, and a stop of the hub, without anything that version 2 does not know', async () => {
    const hub = await TestHub.start();
    const other = await TestHub.start(undefined, hub);
    ends.push(() => other.stop());
    ends.push(() => hub.stop());
    let at = hub.url;
    const between = await new VersionTwo(() => at).listen();
    ends.push(() => between.close());
    agent = await startAgent({
      url: between.url,
      env: { AGENT_ID: 'a1', AGENT_TOKEN: await hub.credential('a1'), HEARTBEAT_INTERVAL: '1s' },
    });
    await until('connected', async () => (await hub.store.agents.get('a1'))?.connected);

    const { command } = await hub.create({ id: 's1' });
    await hub.commandReaches(command.id, 'completed');
    const viewer = await hub.viewer('s1');
    const typed = randomBytes(100_000);
    viewer.ws.send(typed);
    await until('the echo of the screen', () => viewer.received === typed.length);
    expect(Buffer.concat(viewer.got.all as Buffer[]).equals(typed)).toBe(true);
    await hub.gateway.rotate('a1');

    at = other.url;
    await hub.gateway.drain(AbortSignal.timeout(10_000));
    await until('at the other replica', async () => (await hub.store.agents.get('a1'))?.hub === other.address);
    const order = await other.order('s1', 'delete_session');
    await other.commandReaches(order.id, 'completed');
    expect(agent.driver.sessions.size).toBe(0);

    expect(between.alien).toEqual([]);
    for (const type of ['hello', 'welcome', 'sessions', 'command', 'ack', 'result', 'vnc_connect', 'credential'])
      expect(between.said).toContain(type);
  });

  it('a hub of version 2 only, and today’s agent', async () => {
    const hub = await new ScriptedHub().listen();
    ends.push(() => hub.close());
    hub.script.hello = (hello, connection) => {
      if (!hello.versions.includes(2)) throw new Error('the agent does not speak version 2');
      connection.ws.send(JSON.stringify({ ...hub.welcome(Math.max(1, hello.term)), version: 2 }));
      return undefined;
    };
    agent = await startAgent({ url: hub.url });
    const first = await hub.connection(1);
    first.command('c1', 'create_session', { session_id: 's1', spec: specOf('s1') });
    expect(await first.next('result')).toMatchObject({ command_id: 'c1', session: { state: 'running' } });
    // from a hub of today that was here before
    await agent.driver.prove('s1', 'p'.repeat(43));
    agent.driver.change('s1', agent.driver.sessions.get('s1'));
    expect((await first.next('session_state')).session.spec.id).toBe('s1');
    first.send({ type: 'vnc_connect', stream_id: 1, session_id: 's1', credit: 1 << 20 });
    await first.next('vnc_connected');
    first.sendData(1, Buffer.from('hello'));
    await until('the echo', () => first.received(1).toString() === 'hello');
    first.ws.close(1012);
    const second = await hub.connection(2);
    second.command('c2', 'delete_session', { session_id: 's1' });
    expect(await second.next('result')).toMatchObject({ command_id: 'c2' });
    for (const { messages } of [first, second])
      for (const message of messages) expect(unknownToV2('agent', message), message.type).toBeUndefined();
    expect([first, second].map(({ hello }) => hello.versions)).toEqual([
      [3, 2],
      [3, 2],
    ]);
  });

  it('what this suite looks for is seen', () => {
    expect(unknownToV2('hub', { type: 'session_proof' })).toBe('session_proof');
    expect(unknownToV2('hub', { type: 'command', spec: { proof: 'f' } } as never)).toBe('command.spec.proof');
    const session = { spec: { proof: 'f' } };
    expect(unknownToV2('agent', { type: 'session_state', session } as never)).toBe('session.spec.proof');
    expect(unknownToV2('agent', { type: 'sessions', sessions: [session] } as never)).toBe('sessions.spec.proof');
  });
});
