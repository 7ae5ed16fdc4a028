import { AGENT_SUBPROTOCOL, type AgentMessage, agentCodec, hubCodec, PROTOCOL_VERSIONS } from '@streamspace/protocol';
import { WebSocket } from 'ws';
import { provable } from '../../api/src/sessions/proof.ts';
import type { Stack } from '../load/stack.ts';

export interface Scale {
  agents: number;
  sessions: number;
  /** Resident memory of the hub with all of them, bytes. */
  hubBytes: number;
  /** What one idle agent (no sessions) adds. */
  perAgent: number;
  /** What one session adds. */
  perSession: number;
  /** What one open, idle screen adds to hub and agent together. */
  perStream: number;
}

const CAPACITY = { cpu: 64, memory: 2 ** 40, max_sessions: 1000 };

async function simulatedAgent(stack: Stack, index: number): Promise<WebSocket> {
  const agent_id = `simulated-${index}`;
  const enrolled = await fetch(`${stack.origin}/api/v1/agents/enrol`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.enrolmentToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ agent_id }),
  });
  const { credential } = (await enrolled.json()) as { credential: string };
  const socket = new WebSocket(`${stack.origin.replace('http', 'ws')}/api/v1/agent/connect`, [AGENT_SUBPROTOCOL], {
    headers: { authorization: `Bearer ${credential}` },
    perMessageDeflate: false,
  });
  const send = (message: AgentMessage) => socket.send(agentCodec.encode(message));
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () =>
      send({
        type: 'hello',
        versions: [...PROTOCOL_VERSIONS],
        agent_id,
        replica: `${agent_id}-0`,
        term: 0,
        platform: 'process',
        region: 'bench',
        priority: 'low',
        capacity: CAPACITY,
        build: 'bench',
      }),
    );
    socket.on('message', (data, binary) => {
      const message = binary ? undefined : hubCodec.decode((data as Buffer).toString());
      if (message?.type === 'welcome') resolve();
      if (message?.type === 'refuse') reject(new Error(message.error.message));
    });
  });
  send({ type: 'sessions', sessions: [] });
  send({ type: 'heartbeat', seq: 0, status: 'online', capacity: CAPACITY, active_sessions: 0, replicas: [] });
  return socket;
}

async function settled(stack: Stack): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    least = Math.min(least, stack.hub.rss());
  }
  return least;
}

/** Memory of one hub with many agents, many sessions, many open screens. */
export async function scale(stack: Stack, quick: boolean): Promise<Scale> {
  const agents = quick ? 100 : 1_000;
  const sessionsEach = 10;
  const before = await settled(stack);
  const sockets: WebSocket[] = [];
  for (let i = 0; i < agents; i += 20)
    sockets.push(
      ...(await Promise.all(Array.from({ length: Math.min(20, agents - i) }, (_, n) => simulatedAgent(stack, i + n)))),
    );
  const withAgents = await settled(stack);
  for (const [index, socket] of sockets.entries()) {
    const sessions = Array.from({ length: sessionsEach }, (_, n) => {
      const spec = {
        id: `s-${index}-${n}`,
        user: `user-${n}`,
        template: 'echo',
        name: `Desktop ${n}`,
        cpu: 1,
        memory: 2 ** 31,
        storage: 2 ** 33,
        image: '',
        env: {},
        created_at: '2030-01-01T00:00:00.000Z',
      };
      // the hub ignores a session that no hub made
      const proof = stack.proofs.sign(provable(`simulated-${index}`, spec));
      return { state: 'running' as const, spec: { ...spec, proof } };
    });
    socket.send(agentCodec.encode({ type: 'sessions', sessions }));
  }
  const sessions = agents * sessionsEach;
  const end = Date.now() + 60_000;
  while ((await stack.sessions()).length < sessions && Date.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 250));
  const known = (await stack.sessions()).length;
  if (known < sessions) throw new Error(`the hub knows ${known} sessions of ${sessions}`);
  const hubBytes = await settled(stack);

  const echo = await stack.session('echo');
  const streams = quick ? 50 : 500;
  const idle = stack.hub.rss() + stack.agent.rss();
  const viewers = [];
  for (let i = 0; i < streams; i++) viewers.push(await stack.view(echo));
  await settled(stack);
  const perStream = (stack.hub.rss() + stack.agent.rss() - idle) / streams;
  for (const viewer of viewers) viewer.close();
  for (const socket of sockets) socket.terminate();
  return {
    agents,
    sessions,
    hubBytes,
    perAgent: (withAgents - before) / agents,
    perSession: (hubBytes - withAgents) / sessions,
    perStream,
  };
}
