import { type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { deadline, sleep } from 'clock-port';
import { type Failure, failed } from '../../core/failure.ts';
import { checkReadable, fence, isLive, type Live } from '../../core/record.ts';
import { notFound } from '../../core/refusals.ts';
import type { Operation } from '../../driver.ts';
import { screenPort } from '../../core/environment.ts';
import { inspect, inspectEnd, lastLines, removeContainer } from '../engine/containers.ts';
import { podmanProblem } from '../engine/podman.ts';
import { isAway, isNameTaken } from '../engine/error.ts';
import { ensureImage } from '../images/pull.ts';
import { ensureNetwork } from '../network.ts';
import { folderProblem } from '../host-folders.ts';
import { additionsOf } from '../objects/additions.ts';
import { gpusOf, type ImageConfig, sessionContainer, sessionImage } from '../objects/container.ts';
import type { ContainerDetails } from '../objects/engine-objects.ts';
import { ensureHome } from '../objects/home.ts';
import { APP, containerName, sessionOf, startOf } from '../objects/names.ts';
import type { DockerRecord } from '../objects/record.ts';
import type { DockerDriverOptions } from '../options.ts';
import type { Screens } from '../screens/screen.ts';
import { endOf } from '../state/reason.ts';
import type { RecordContainers } from '../state/record-containers.ts';
import type { WarmContainers } from '../warm/pool.ts';
import { startFailure } from './start-failure.ts';
import { removeStarts } from './stop.ts';

/** Milliseconds between two looks whether a screen answers. */
const LOOK_MS = 60;

export interface StartParts {
  readonly options: DockerDriverOptions;
  readonly records: RecordContainers;
  readonly screens: Screens;
  readonly pool: WarmContainers;
}

/**
 * Brings the start that a record wants to life, or joins who is doing so: image, home, container, screen. A start that died before is followed by the
 * next one; one that fails now leaves its reason in the record, and that is thrown. `tell` hears what a slow start waits for.
 */
export async function start(
  parts: StartParts,
  wanted: Live<DockerRecord>,
  operation: Operation,
  tell: (reason: string) => void,
): Promise<SessionStatus> {
  const { options } = parts;
  const limit = deadline(options.clock, options.startDeadline, 'start', operation.signal);
  const signal = limit.signal;
  let record = wanted;
  let waitsFor: Failure = { reason: 'the engine does not answer' };
  try {
    await removeStarts(parts, record.id, (instance) => instance < record.instance, signal);
    let container = await inspect(options.engine, containerName(record.id, record.instance), signal);
    if (container !== undefined && hasEnded(container)) {
      record = await next(parts, record, operation);
      await removeStarts(parts, record.id, (instance) => instance < record.instance, signal);
      container = await inspect(options.engine, containerName(record.id, record.instance), signal);
    }
    container ??= await make(parts, record, signal, (reason) => {
      waitsFor = { reason };
      tell(reason);
    });
    checkOurs(container, record);
    if (container.State.Status === 'created') {
      await options.engine.json(`/containers/${container.Id}/start`, { method: 'POST' }, signal);
      await options.step?.('container started', record.id);
    }
    const port = screenPort(record.spec, options);
    waitsFor = { reason: `its screen does not answer on port ${port}`, code: 'guest_silent' };
    await untilReady(parts, container.Id, record, signal);
    await stillWanted(parts, record, operation);
    return { spec: record.spec, state: 'running' };
  } catch (error) {
    operation.signal.throwIfAborted();
    // nothing is decided while the engine can't be asked
    if (isAway(error)) throw error;
    if (error instanceof StreamSpaceError && ['superseded', 'conflict', 'not_found'].includes(error.code)) throw error;
    const failure = startFailure(error, waitsFor, sessionImage(record.spec, options), options.startDeadline);
    await note(parts, record, failure, operation);
    throw failure;
  } finally {
    limit.clear();
  }
}

/** The container of the record's start; that of another who makes it at the same time is as good. */
async function make(
  { options, pool }: StartParts,
  record: Live<DockerRecord>,
  signal: AbortSignal,
  tell: (reason: string) => void,
): Promise<ContainerDetails> {
  const { engine, clock, sessionImagePullPolicy: policy, dockerConfig: credentials, step } = options;
  const { spec, id } = record;
  const name = containerName(id, record.instance);
  if (await pool.take(spec, record.instance, signal)) {
    const taken = await inspect(engine, name, signal);
    if (taken !== undefined) return taken;
  }
  const image = sessionImage(spec, options);
  const kind = await engine.kind(signal);
  const { mounts, gpus } = additionsOf(spec, options.sessionAllow);
  const unable =
    kind === 'podman'
      ? podmanProblem({ runtime: options.sessionRuntime, gpus: gpus ?? gpusOf(options.sessionGpus) })
      : undefined;
  if (unable !== undefined) throw failed({ reason: unable, code: 'capacity' });
  await ensureImage(
    image,
    { engine, credentials, policy },
    (percent) => tell(`Pulling image ${image}: ${percent} %`),
    signal,
  );
  for (const { folder } of mounts) {
    const problem = await folderProblem(folder, options.secret ?? []);
    if (problem !== undefined) throw new StreamSpaceError('driver_failed', `env STREAMSPACE_MOUNTS: ${problem}`);
  }
  const home = await ensureHome(engine, options.agentId, spec, signal);
  await step?.('home made', id);
  const { Config } = await engine.json<{ Config: ImageConfig | null }>(`/images/${image}/json`, {}, signal);
  const sessionNetwork = await ensureNetwork(options, record, signal);
  let made: ContainerDetails | undefined;
  while (made === undefined) {
    try {
      const body = sessionContainer(record, home, Config ?? {}, { ...options, sessionNetwork });
      await engine.json('/containers/create', { method: 'POST', query: { name }, body }, signal);
    } catch (error) {
      if (!isNameTaken(error)) throw error;
    }
    made = await inspect(engine, name, signal);
    // a name is taken a moment before its container can be seen
    if (made === undefined) await sleep(clock, LOOK_MS, signal);
  }
  await step?.('container made', id);
  return made;
}

/** Throws where a container of the session's name was made by somebody else. */
function checkOurs({ Config, Name }: ContainerDetails, { id, instance }: DockerRecord): void {
  const container = { Labels: Config.Labels, Names: [Name] };
  if (Config.Labels['app'] === APP.session && sessionOf(container) === id && startOf(container) === instance) return;
  throw new StreamSpaceError(
    'driver_failed',
    `The engine has a container ${Name.replace(/^\//, '')} that StreamSpace did not make, and it is left alone: rename it, or remove it`,
  );
}

async function untilReady(
  { options, screens }: StartParts,
  container: string,
  record: Live<DockerRecord>,
  signal: AbortSignal,
): Promise<void> {
  const { engine, clock } = options;
  const port = screenPort(record.spec, options);
  for (;;) {
    const now = await inspect(engine, container, signal);
    if (now === undefined) throw new StreamSpaceError('driver_failed', 'Its container was removed from outside');
    if (hasEnded(now)) {
      const end = (await inspectEnd(engine, clock, container, signal)) ?? now;
      throw failed({
        reason: endOf(end, await lastLines(engine, container, signal), await engine.kind(signal)),
        code: 'exited',
      });
    }
    if (now.State.Status === 'running' && (await screens.speaks(now, port, signal))) return;
    await sleep(clock, LOOK_MS, signal);
  }
}

export const hasEnded = ({ State }: Pick<ContainerDetails, 'State'>): boolean =>
  State.Status === 'exited' || State.Status === 'dead' || State.Status === 'removing';

/** The record with the number of the next start, unless somebody else was faster. */
async function next(parts: StartParts, dead: Live<DockerRecord>, operation: Operation): Promise<Live<DockerRecord>> {
  const { records } = parts;
  await records.write(records.draft(dead.id, dead, { desired: 'running' }), dead, operation.signal);
  return stillWanted(parts, dead, operation);
}

async function stillWanted(
  { records }: StartParts,
  { id }: DockerRecord,
  operation: Operation,
): Promise<Live<DockerRecord>> {
  const current = await records.read(id, operation.signal);
  if (current === undefined) throw notFound(id);
  fence(current, operation);
  checkReadable(current);
  if (!isLive(current)) throw notFound(id);
  if (current.desired === 'running') return current;
  throw new StreamSpaceError('conflict', `Session ${id} was hibernated while it started`);
}

/** Writes down why, and takes away what might still start later; a container that has ended stays for people to look at. */
async function note(
  parts: StartParts,
  record: Live<DockerRecord>,
  { message }: Error,
  { signal }: Operation,
): Promise<void> {
  const { records, options } = parts;
  try {
    const current = await records.read(record.id, signal);
    if (current?.instance !== record.instance || current.desired !== 'running' || current.term !== record.term) return;
    const failure = { instance: record.instance, reason: message };
    if ((await records.write(records.draft(record.id, current, { failure }), current, signal)) === undefined) return;
    const container = await inspect(options.engine, containerName(record.id, record.instance), signal);
    if (container !== undefined && !hasEnded(container) && isMine(container, record.id))
      await removeContainer(options.engine, container.Id, 0, signal);
  } catch (err) {
    signal.throwIfAborted();
    options.log.warn({ session: record.id, err }, 'The reason of a failed start could not be written down');
  }
}

const isMine = ({ Config, Name }: ContainerDetails, id: string): boolean =>
  Config.Labels['app'] === APP.session && sessionOf({ Labels: Config.Labels, Names: [Name] }) === id;
