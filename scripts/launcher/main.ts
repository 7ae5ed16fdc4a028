// What `npm start` runs once everything is built: a hub and three replicas of one agent, all on loopback, until Ctrl-C.
import { Socket } from 'node:net';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Session } from '@streamspace/protocol';
import { SignJWT } from 'jose';
import type { Child, ChildWatcher } from './child.ts';
import { type HubClient, until } from './hub-client.ts';
import { endHosts, hibernateAll } from './ending.ts';
import {
  agentStateDir,
  choosePort,
  closeInstance,
  isFree,
  openInstance,
  recordRunning,
  recordStopping,
  runFileOf,
} from './instance.ts';
import type { Kept } from './keeper.ts';
import { Keeping } from './keeping.ts';
import { launchedPlatform, makeParts, stopParts } from './parts.ts';

const HOST = '127.0.0.1';
/** Longest time for the start of the hub, and then of the first agent: a loaded machine is slow. */
const UP_MS = 60_000;
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
  launchedPlatform(process.env.PLATFORM);
  const instance = await openInstance(folder);
  const token = await new SignJWT({ roles: ['admin', 'user'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('30d')
    .sign(Buffer.from(instance.jwtSecret));
  let port = await choosePort(process.env.PORT, HOST);

  let stopping = false;
  let onHubEnd: (() => void) | undefined;
  const keeping = new Keeping(program('keeper'));
  const onRestart = (name: string, how: string) => {
    if (stopping) return;
    say(`${name} ended (${how}); starting it again`);
    if (name === 'hub') onHubEnd?.();
  };
  /** However this process ends, the keeper then knows what to end. */
  const record = () => {
    if (stopping) return;
    const pids = (of: readonly Child[]) => of.flatMap(({ pid }) => pid ?? []);
    const { hub, replicas, link } = parts;
    const kept: Kept = {
      origin: `http://${HOST}:${port}`,
      token,
      // agents before the hub, so that it receives their goodbyes
      groups: [pids(replicas), pids([hub])],
      agentStateDir: agentStateDir(instance),
      runFile: runFileOf(instance),
    };
    keeping.tell(JSON.stringify(kept));
    recordRunning(instance, link, pids([hub, ...replicas]), keeping.pid);
  };
  const watcher: ChildWatcher = {
    onStart: record,
    onRestart,
    // all of them have the same configuration: the first one's message is enough
    onUnusable: (words) => {
      if (stopping) return;
      process.stderr.write(`${words}\n`);
      process.exitCode = 1;
      void stop('failure');
    },
  };
  const make = () => makeParts({ instance, host: HOST, port, program, token, watcher });
  let parts = make();

  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    say(signal === 'SIGINT' ? '\nStopping: desktops go to sleep, their homes stay …' : 'Stopping …');
    recordStopping(instance);
    await hibernateAll(parts.client).catch(() => {});
    await stopParts(parts);
    await endHosts(agentStateDir(instance));
    closeInstance(instance);
    await keeping.done();
    say('Stopped.');
    process.exit(process.exitCode ?? 0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));

  if (process.argv.includes('--parent-pipe')) {
    // held by the parent process: its end, for any reason, stops this one
    const parent = new Socket({ fd: 3 });
    parent.on('error', () => {}).on('close', () => void stop('SIGTERM'));
    parent.resume();
  }

  const giveUp = async (what: string): Promise<never> => {
    if (!stopping) process.stderr.write(`${what}\n`);
    process.exitCode = 1;
    await stop('failure');
    // another call already stops it, and ends the process
    return new Promise(() => {});
  };
  for (;;) {
    const taken = new Promise<'taken'>((resolve) => {
      // between the choice of a port and the hub's start another program may have taken it
      onHubEnd = () => void isFree(port, HOST).then((free) => void (free || resolve('taken')));
    });
    for (const child of [parts.hub, ...parts.replicas]) child.start();
    const { client } = parts;
    const up = await Promise.race([taken, until(() => client.answers(), UP_MS)]);
    onHubEnd = undefined;
    if (up === true) break;
    if (up === false)
      await giveUp(`The hub did not come up within ${UP_MS / 1000} seconds: ${parts.hub.logFile} tells why.`);
    if (stopping) return;
    await stopParts(parts);
    try {
      port = await choosePort(process.env.PORT, HOST);
    } catch (error) {
      await giveUp((error as Error).message);
    }
    say(`The port was taken meanwhile: trying ${port}`);
    parts = make();
  }
  const { client, origin, hub, replicas } = parts;
  if (!(await until(async () => (await client.agents()).some((agent) => agent.connected), UP_MS)))
    await giveUp(`No agent connected within ${UP_MS / 1000} seconds: ${replicas[0]!.logFile} tells why.`);
  const desktop = await firstDesktop(client);
  if (stopping) return;
  say(`
StreamSpace is running: hub and three replicas of the agent "${parts.agentId}", one of them leads.

  ${parts.link}

  first desktop   ${desktop}
  leader          ${(await client.agents().catch(() => []))[0]?.leader ?? 'unknown'} (kill -9 it, the screen comes back: see the Agents page)
  pids            ${[hub, ...replicas].map((child) => `${child.name} ${child.pid}`).join(', ')}
  API             ${origin}/docs
  state and logs  ${folder}

Ctrl-C stops everything; the desktops' homes stay.`);
}

/** Wakes the newest hibernated desktop; a machine without any gets its first one. Returns the outcome, in words. */
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
