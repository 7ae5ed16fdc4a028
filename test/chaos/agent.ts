// A replica of an agent as users run it, elector included, except for the driver: its sessions are entries in the chaos run's platform.
import { hostname } from 'node:os';
import { StreamSpaceError } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { Elector } from 'lease-elector';
import { pino } from 'pino';
import { createAgent } from '../../agent/src/agent.ts';
import { readAgentConfig } from '../../agent/src/config.ts';
import { lockFor } from '../../agent/src/leader/locks.ts';
import type { Operation, SessionDriver } from '../../agent/src/sessions/driver.ts';
import { World } from './world.ts';

const { CHAOS_WORLD, ...environment } = process.env;
const config = readAgentConfig(environment, hostname());
const world = new World(Number(CHAOS_WORLD));

/** Work takes some time, so that it can be interrupted. */
const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 150));

async function change(
  op: 'create' | 'delete',
  session: string,
  operation: Operation,
  spec?: Parameters<World['apply']>[2],
) {
  await pause();
  operation.signal.throwIfAborted();
  const { commandId: command, term } = operation;
  const applied = await world.apply(op, { agent: config.agentId, session, command, term }, spec);
  if (applied === 'superseded') throw new StreamSpaceError('superseded', `session ${session} has seen a greater term`);
  if (applied === 'exists') throw new StreamSpaceError('session_exists', `session ${session} exists`);
  await pause();
}

const driver: SessionDriver = {
  platform: 'process',
  capacity: async () => ({ cpu: 1e6, memory: 2 ** 50, max_sessions: 10_000 }),
  async create(spec, operation) {
    await change('create', spec.id, operation, spec);
    return { spec, state: 'running' };
  },
  delete: (id, _options, operation) => change('delete', id, operation),
  hibernate: () => Promise.reject(new StreamSpaceError('not_found', 'not in this world')),
  wake: () => Promise.reject(new StreamSpaceError('not_found', 'not in this world')),
  // every session here is made by a hub that signs
  prove: async () => {},
  list: () => world.live(config.agentId),
  connect: () => Promise.reject(new StreamSpaceError('screen_unreachable', 'no screens in this world')),
  watch: (_onChange, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    }),
};

const log = pino({ level: config.logLevel, base: { replica: config.podName } });
const { lock, identity } = await lockFor(config, systemClock, log, process, String(Math.random()));
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort(new Error('SIGTERM')));
await createAgent({
  config,
  clock: systemClock,
  log,
  driver,
  random: Math.random,
  build: 'chaos',
  elector: (hooks) =>
    new Elector({
      lock,
      identity,
      clock: systemClock,
      leaseDurationMs: config.leaseDuration,
      renewDeadlineMs: config.leaseRenewDeadline,
      retryPeriodMs: config.leaseRetryPeriod,
      onLoseSight: 'keep-until-superseded',
      ...hooks,
      stopTimeoutMs: config.gracefulShutdownTimeout + 2_000,
    }),
}).run(stop.signal);
world.close();
