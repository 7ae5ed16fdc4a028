// The real agent with the bench's driver: sessions cost nothing, their screens are the servers of target.ts, in a container where BENCH_CONTAINER names one.
import { connect } from 'node:net';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { pino } from 'pino';
import { createAgent } from '../../agent/src/agent.ts';
import { readAgentConfig } from '../../agent/src/config.ts';
import { engineAddress } from '../../agent/src/sessions/docker/engine/address.ts';
import { inspect } from '../../agent/src/sessions/docker/engine/containers.ts';
import { Engine } from '../../agent/src/sessions/docker/engine/engine.ts';
import { Screens } from '../../agent/src/sessions/docker/screens/screen.ts';
import type { SessionDriver } from '../../agent/src/sessions/driver.ts';
import type { InContainer, Ports } from './stack.ts';

const { BENCH_PORTS, BENCH_CONTAINER, ...environment } = process.env;
const ports = JSON.parse(BENCH_PORTS!) as Ports;
const open = BENCH_CONTAINER === undefined ? onLoopback : inContainer(JSON.parse(BENCH_CONTAINER) as InContainer);
const sessions = new Map<string, SessionSpec>();
const running = (spec: SessionSpec): SessionStatus => ({ spec, state: 'running' });

function onLoopback(port: number, _signal?: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

/** As the Docker driver opens screens. */
function inContainer({ id, byAddress }: InContainer): typeof onLoopback {
  const engine = new Engine(engineAddress('unix:///var/run/docker.sock', undefined), systemClock);
  const screens = new Screens(engine, systemClock, byAddress);
  return async (port, signal = AbortSignal.timeout(10_000)) =>
    screens.connect((await inspect(engine, id, signal))!, port, signal);
}

const driver: SessionDriver = {
  platform: 'process',
  capacity: async () => ({ cpu: 1e6, memory: 2 ** 50, max_sessions: 10_000 }),
  async create(spec) {
    sessions.set(spec.id, spec);
    return running(spec);
  },
  async delete(id) {
    sessions.delete(id);
  },
  hibernate: async (id) => ({ spec: sessions.get(id)!, state: 'hibernated' }),
  wake: async (id) => running(sessions.get(id)!),
  prove: async (id, proof) => {
    const spec = sessions.get(id);
    if (spec !== undefined) sessions.set(id, { ...spec, proof });
  },
  list: async () => [...sessions.values()].map(running),
  connect: (id, signal) => open(ports[sessions.get(id)!.template as keyof Ports], signal),
  watch: (_onChange, signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
};

const config = readAgentConfig(environment, hostname());
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort(new Error('SIGTERM')));
await createAgent({
  config,
  clock: systemClock,
  log: pino({ level: config.logLevel }),
  driver,
  random: Math.random,
  build: 'bench',
}).run(stop.signal);
