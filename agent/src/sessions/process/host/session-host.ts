import { existsSync, type FSWatcher, watch } from 'node:fs';
import { lstat, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { userInfo } from 'node:os';
import { type Clock, type Scope, scope, untilAborted, withDeadline } from 'clock-port';
import { checkReadable } from '../../core/record.ts';
import { type HostOrder, statusFile } from '../host-messages.ts';
import { latestRecord } from '../latest-record.ts';
import { layout, type RunPaths } from '../layout.ts';
import type { VersionedRecord } from '../../core/record-text.ts';
import { endStragglers } from '../stragglers.ts';
import { ControlServer } from './control-server.ts';
import type { Desktop, DesktopOrder } from './desktop.ts';
import { StatusWriter } from './status-writer.ts';

export interface SessionHostOptions {
  readonly order: HostOrder;
  readonly pid: number;
  readonly clock: Clock;
  /** Environment that the session's programs inherit. */
  readonly env: Readonly<Record<string, string>>;
  /** Called once when the control socket is bound: now the process that started this host can connect. */
  readonly onBound: () => void;
  readonly makeDesktop: (order: DesktopOrder, host: HostOrder) => Promise<Desktop>;
  readonly log: (message: string) => void;
  readonly kill: (pid: number, signal: 'SIGKILL') => void;
}

/** Time for a desktop to end before the host ends without it. */
const STOP_MS = 8_000;
/** Time for the agent to read the final state. */
const FLUSH_MS = 1_000;
/** Time for a desktop to become ready for viewers. */
const START_MS = 30_000;

/**
 * One start of one session: binds the control socket, runs the desktop, reports its state, and ends on request (by message or signal) or when
 * the desktop ends. Then the caller ends the process, which closes the control socket. Ends at once, without effect, when another host has the
 * same start, or when the record no longer wants it. The host reads the record after the bind, and a writer of the record connects after its
 * write, so at least one of the two sees the other.
 */
export async function runSessionHost(options: SessionHostOptions, signal: AbortSignal): Promise<void> {
  const { order, log } = options;
  const places = layout(order.state_dir, order.tmp_dir);
  const paths = places.run(order.id, order.instance);
  const stop = scope(signal);

  await makePrivateFolder(paths.folder);
  const control = new ControlServer(() => stop.end(new Error('stopped')));
  if (!(await control.listen(paths.control))) return log('another host has this start');
  let watcher: FSWatcher | undefined;
  try {
    const status = new StatusWriter(
      join(places.session(order.id), statusFile(order.instance)),
      control,
      { pid: options.pid, instance: order.instance },
      log,
    );
    const record = await latestRecord(places.session(order.id), order.id);
    if (record !== undefined) checkReadable(record);
    if (!wants(record, order.instance)) {
      options.onBound();
      await control.close();
      await rm(paths.folder, { recursive: true, force: true });
      return log('no longer wanted');
    }
    await status.set('starting', '');
    options.onBound();
    // the state folder was removed: nobody will ask for this session again
    watcher = watch(
      paths.folder,
      () => void (existsSync(paths.control) || stop.end(new Error('its folder was removed'))),
    );
    watcher.on('error', () => {});
    const end = await runDesktop(options, record, paths, status, stop);
    await endStragglers(order.id, order.instance, options.kill, options.clock);
    await status.set(end.state, end.reason);
    // the agent removes the folder: while the host can be asked, its folder exists
    await withDeadline(options.clock, FLUSH_MS, 'last words', undefined, () => control.flush()).catch(() => {});
  } finally {
    stop.end();
    watcher?.close();
  }
}

function wants(record: VersionedRecord | undefined, instance: number): record is VersionedRecord & { spec: object } {
  return record?.desired === 'running' && record.instance === instance && record.spec !== undefined;
}

async function runDesktop(
  { order, clock, env, makeDesktop, log }: SessionHostOptions,
  record: VersionedRecord & { spec: NonNullable<VersionedRecord['spec']> },
  paths: RunPaths,
  status: StatusWriter,
  stop: Scope,
): Promise<{ state: 'ended' | 'failed'; reason: string }> {
  const { spec } = record;
  const places = layout(order.state_dir, order.tmp_dir);
  const home = places.home(spec.user, spec.template);
  const tooSlow = clock.setTimeout(
    () => stop.end(new StartError(`the desktop did not start within ${START_MS / 1000} s`)),
    START_MS,
  );
  let announced: Promise<void> = Promise.resolve();
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    const desktop = await makeDesktop(
      {
        screen: paths.screen,
        folder: places.session(spec.id),
        home,
        id: spec.id,
        start: `${spec.id}.${order.instance}`,
        name: spec.name,
        user: spec.user,
        template: spec.template,
        program: spec.image,
        env: { ...env, ...spec.env },
      },
      order,
    );
    const running = desktop.run(stop.signal, () => {
      tooSlow.cancel();
      announced = status.set('running', '');
    });
    await Promise.race([running, overdue(clock, stop.signal, running)]);
    if (stop.signal.reason instanceof StartError) throw stop.signal.reason;
    return { state: 'ended', reason: '' };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log(`desktop ended: ${reason}`);
    return { state: 'failed', reason: reason.slice(0, 4096) };
  } finally {
    tooSlow.cancel();
    await announced.catch(() => {});
  }
}

class StartError extends Error {}

/** Rejects when `work` has not ended a while after the signal aborted. */
async function overdue(clock: Clock, signal: AbortSignal, work: Promise<void>): Promise<void> {
  await untilAborted(signal);
  await withDeadline(clock, STOP_MS, 'ending the desktop', undefined, () => work);
}

/** Makes a folder that nobody else can open. Refuses a folder that somebody else made first (its parent may be the shared /tmp). */
async function makePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const path of [folder, dirname(folder)]) {
    const { uid, mode } = await lstat(path);
    const own = userInfo().uid;
    if (own >= 0 && (uid !== own || (mode & 0o022) !== 0)) {
      throw new Error(
        `${path} belongs to somebody else or is open to others: remove it, or choose a shorter STATE_DIR`,
      );
    }
  }
}
