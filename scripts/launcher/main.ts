// What `npm start` runs once everything is built: a hub and three replicas of one agent, all on loopback, until Ctrl-C.
import { Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Session } from '@streamspace/protocol';
import { SignJWT } from 'jose';
import { Child, type ChildWatcher } from './child.ts';
import { HubClient, until } from './hub-client.ts';
import { endHosts, hibernateAll } from './ending.ts';
import { choosePort, closeInstance, openInstance, recordRunning, runFileOf } from './instance.ts';
import type { Kept } from './keeper.ts';
import { Keeping } from './keeping.ts';

const HOST = '127.0.0.1';
const REPLICAS = 3;
const say = (text: string) => process.stdout.write(`${text}\n`);
// a terminal that was closed must not keep the rest from being ended
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

const program = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));
const folder = resolve(process.env.STATE_DIR || '.streamspace');
const user = (() => {
  try {
    return userInfo().username || 'you';
  } catch {
    return 'you';
  }
})();

try {
  await main();
} catch (error) {
  fail(error);
}

async function main(): Promise<void> {
  const instance = await openInstance(folder);
  const port = await choosePort(process.env.PORT, HOST);
  const origin = `http://localhost:${port}`;
  const token = await new SignJWT({ roles: ['admin', 'user'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('30d')
    .sign(Buffer.from(instance.jwtSecret));
  const link = `${origin}/#token=${token}`;
  const client = new HubClient(`http://${HOST}:${port}`, token);

  let stopping = false;
  let children: Child[] = [];
  const onRestart = (name: string, how: string) => {
    if (stopping) return;
    say(`${name} ended (${how}); starting it again`);
  };
  const keeping = new Keeping(program('keeper'));
  /** Whatever ends this process: the keeper knows what to end then. */
  const record = () => {
    if (stopping) return;
    const pids = (parts: readonly Child[]) => parts.flatMap(({ pid }) => pid ?? []);
    const kept: Kept = {
      origin: `http://${HOST}:${port}`,
      token,
      // agents before the hub, so that their goodbyes are heard
      groups: [pids(replicas), pids([hub])],
      agentStateDir,
      runFile: runFileOf(instance),
    };
    keeping.tell(JSON.stringify(kept));
    recordRunning(instance, link, pids(children), keeping.pid);
  };
  const watcher: ChildWatcher = {
    onStart: record,
    onRestart,
    // all of them are configured alike: the first one's words are enough
    onUnusable: (words) => {
      if (stopping) return;
      process.stderr.write(`${words}\n`);
      process.exitCode = 1;
      void stop('failure');
    },
  };
  const agentStateDir = join(folder, 'agent');
  const log = (name: string) => join(folder, 'logs', `${name}.log`);
  const shared = { LOG_LEVEL: process.env.LOG_LEVEL || 'info', LOG_FORMAT: 'json' };
  const hub = new Child(
    {
      name: 'hub',
      args: [program('hub')],
      logFile: log('hub'),
      env: {
        ...shared,
        PORT: String(port),
        HOST,
        JWT_SECRET: instance.jwtSecret,
        ENROLMENT_TOKEN: instance.enrolmentToken,
        HEARTBEAT_INTERVAL: '2s',
        ALLOWED_ORIGINS: `http://${HOST}:${port}`,
        PUBLIC_URL: origin,
      },
    },
    watcher,
  );
  const replicas = Array.from({ length: REPLICAS }, (_, index) => {
    const name = `this-machine-${index + 1}`;
    return new Child(
      {
        name,
        args: [program('agent')],
        logFile: log(name),
        env: {
          ...shared,
          AGENT_ID: 'this-machine',
          CONTROL_PLANE_URL: `ws://${HOST}:${port}`,
          PLATFORM: 'process',
          REGION: 'local',
          POD_NAME: name,
          ENABLE_HA: 'true',
          AGENT_TOKEN: instance.enrolmentToken,
          STATE_DIR: agentStateDir,
          HEARTBEAT_INTERVAL: '2s',
          RECONNECT_DELAY: '200ms',
          MAX_RECONNECT_DELAY: '5s',
          LISTEN_HOST: HOST,
          HEALTH_PORT: '0',
          METRICS_PORT: '0',
        },
      },
      watcher,
    );
  });
  children = [hub, ...replicas];

  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    say(signal === 'SIGINT' ? '\nStopping: desktops go to sleep, their homes stay …' : 'Stopping …');
    await hibernateAll(client).catch(() => {});
    // agents before the hub, so that their goodbyes are heard
    await Promise.all(replicas.map((replica) => replica.stop(8_000)));
    await hub.stop(5_000);
    await endHosts(agentStateDir);
    closeInstance(instance);
    keeping.done();
    say('Stopped.');
    process.exit(process.exitCode ?? 0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));

  if (process.argv.includes('--parent-pipe')) {
    // held by the process that started this one: its end is a reason to stop, however it came
    const parent = new Socket({ fd: 3 });
    parent.on('error', () => {}).on('close', () => void stop('SIGTERM'));
    parent.resume();
  }

  for (const child of children) child.start();
  if (!(await until(() => client.healthy(), 20_000))) await giveUp('The hub did not come up', log('hub'), stop);
  if (!(await until(async () => (await client.agents()).some((agent) => agent.connected), 20_000))) {
    await giveUp('No agent connected', log(replicas[0]!.name), stop);
  }
  const desktop = await firstDesktop(client);
  if (stopping) return;
  say(`
StreamSpace is running: hub and three replicas of the agent "this-machine", one of them leads.

  ${link}

  first desktop   ${desktop}
  leader          ${(await client.agents().catch(() => []))[0]?.leader ?? 'unknown'} (kill -9 it, the screen comes back: see the Agents page)
  pids            ${children.map((child) => `${child.name} ${child.pid}`).join(', ')}
  API             ${origin}/docs
  state and logs  ${folder}

Ctrl-C stops everything; the desktops' homes stay.`);
}

async function giveUp(what: string, logFile: string, stop: (signal: string) => Promise<void>): Promise<never> {
  say(`${what} within 20 seconds: ${logFile} tells why.`);
  process.exitCode = 1;
  await stop('failure');
  process.exit(1);
}

/** The newest sleeping desktop wakes up; a machine without any gets its first one. Returns how that went, in words. */
async function firstDesktop(client: HubClient): Promise<string> {
  const live = (session: Session) => !['gone', 'deleting', 'failed'].includes(session.state);
  const known = async () => (await client.sessions()).filter(live);
  try {
    // the agent's report of what it already has comes right after its connection
    await until(async () => (await known()).length > 0, 1_000);
    const newest = (await known()).toSorted((a, b) => b.created_at.localeCompare(a.created_at))[0];
    const id = newest === undefined ? (await client.create('desktop', 'My first desktop')).session.id : newest.id;
    if (newest?.state === 'hibernated') await client.wake(newest.id);
    let state = '';
    await until(async () => {
      const session = (await client.sessions()).find((one) => one.id === id);
      state = session?.state === 'failed' ? `failed: ${session.reason}` : (session?.state ?? 'gone');
      return state === 'running' || state.startsWith('failed');
    }, 20_000);
    return `${newest?.name ?? 'My first desktop'} (${id}): ${state}`;
  } catch (error) {
    return `none: ${(error as Error).message}`;
  }
}
