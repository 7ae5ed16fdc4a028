import { type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { deadline, sleep } from 'clock-port';
import { screenPort } from '../../../core/environment.ts';
import { type Failure, failed } from '../../../core/failure.ts';
import { checkReadable, fence, isLive, type Live } from '../../../core/record.ts';
import { notFound } from '../../../core/refusals.ts';
import type { Operation } from '../../../driver.ts';
import { answered, isAway } from '../../engine/error.ts';
import { registryAuth } from '../../images/credentials.ts';
import { imageReference } from '../../images/reference.ts';
import { type ImageConfig, sessionImage } from '../../objects/container.ts';
import { startFailure } from '../../operations/start-failure.ts';
import type { SwarmHomes } from '../homes.ts';
import { ensureOverlay } from '../network.ts';
import { isApplied, type SwarmRecord } from '../objects/record.ts';
import { sessionTask } from '../objects/service.ts';
import type { TaskObject } from '../objects/swarm-objects.ts';
import type { SwarmScreens } from '../screens.ts';
import { endOfTask, waitOf } from '../state/reason.ts';
import type { SwarmRecords } from '../state/swarm-records.ts';
import { isOver, taskOf } from '../state/tasks.ts';
import { living, LOOK_MS, type SwarmParts } from './stop.ts';

export interface SwarmStartParts extends SwarmParts {
  readonly records: SwarmRecords;
  readonly homes: SwarmHomes;
  readonly screens: SwarmScreens;
}

/**
 * Brings the start that a record wants to life, or joins who is doing so: network, home, task, screen. A start that died before is followed by
 * the next one; one that fails now leaves its reason in the record, and that is thrown. `tell` hears what a slow start waits for.
 */
export async function startService(
  parts: SwarmStartParts,
  wanted: Live<SwarmRecord>,
  operation: Operation,
  tell: (reason: string) => void,
): Promise<SessionStatus> {
  const { options } = parts;
  const limit = deadline(options.clock, options.startDeadline, 'start', operation.signal);
  let waitsFor: Failure = { reason: 'the swarm does not answer' };
  const told = (wait: Failure) => {
    if (wait.reason !== waitsFor.reason) tell(wait.reason);
    waitsFor = wait;
  };
  let record = wanted;
  try {
    for (let joined = 0; ;) {
      record = await stillWanted(parts, wanted, operation, limit.signal);
      const now = await look(parts, record, joined, told, limit.signal);
      if (now === 'ready') return { spec: record.spec, state: 'running' };
      if (now === 'over') {
        // whoever is faster has done the same
        await parts.records.write(parts.records.draft(record.id, record, { desired: 'running' }), record, limit.signal);
        continue;
      }
      if (now === 'begun') joined = record.instance;
      await sleep(options.clock, LOOK_MS, limit.signal);
    }
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

/** `joined`: number of the start that this call has seen begin: if that one ends, the session has failed. */
async function look(
  parts: SwarmStartParts,
  record: Live<SwarmRecord>,
  joined: number,
  tell: (wait: Failure) => void,
  signal: AbortSignal,
): Promise<'ready' | 'over' | 'begun' | 'waits'> {
  const { options, services, screens } = parts;
  const { instance, failure, service } = record;
  if (failure?.instance === instance) {
    if (joined === instance) throw failed(failure);
    return 'over';
  }
  const tasks = await services.tasks({ service: [service.ID] }, signal);
  const task = taskOf(instance, tasks);
  if (!isApplied(record)) {
    if (joined === instance) throw failed({ reason: 'Its service was scaled to nothing from outside' });
    if (task !== undefined) return 'over';
    if ((await living(parts, tasks, signal)).length > 0) {
      tell({ reason: 'its program of the time before has not ended yet' });
      return 'waits';
    }
    return (await apply(parts, record, signal)) ? 'begun' : 'waits';
  }
  if (task === undefined) return 'begun';
  if (isOver(task)) {
    if (joined === instance) throw failed(await endOfTask(options, services, task, signal));
    return 'over';
  }
  if (task.Status.State !== 'running') {
    tell(waitOf(task, await services.nodes(signal)));
    return 'begun';
  }
  if (await screens.speaks(task, screenPort(record.spec, options), signal)) {
    await parts.homes.ensure(record.spec, signal);
    return 'ready';
  }
  tell(await silence(parts, record, task, signal));
  // one that ran before may have died already
  return 'waits';
}

async function silence(
  { options, services, screens }: SwarmStartParts,
  { spec }: Live<SwarmRecord>,
  task: TaskObject,
  signal: AbortSignal,
): Promise<Failure> {
  const away = await screens.outOfReach(task, services, signal);
  if (away !== undefined) return { reason: away, code: 'network' };
  return { reason: `its screen does not answer on port ${screenPort(spec, options)}`, code: 'guest_silent' };
}

/** Has the swarm run the start, unless the record has changed. */
async function apply(parts: SwarmStartParts, record: Live<SwarmRecord>, signal: AbortSignal): Promise<boolean> {
  const { options, records, homes } = parts;
  const image = sessionImage(record.spec, options);
  const [network, home, config, auth] = await Promise.all([
    ensureOverlay(options, signal),
    homes.ready(record.spec, signal),
    imageConfig(parts, image, signal),
    registryAuth(imageReference(image).registry, options.dockerConfig, signal),
  ]);
  await options.step?.('home made', record.id);
  const applied = await records.apply(
    record,
    sessionTask(record, { home, image: config, network }, options),
    auth,
    signal,
  );
  if (applied) await options.step?.('container made', record.id);
  return applied;
}

/** What this engine knows of the image; the nodes that run it may have it where this one does not. */
async function imageConfig({ options }: SwarmParts, image: string, signal: AbortSignal): Promise<ImageConfig> {
  try {
    const { Config } = await options.engine.json<{ Config: ImageConfig | null }>(`/images/${image}/json`, {}, signal);
    return Config ?? {};
  } catch (error) {
    if (answered(error, 404)) return {};
    throw error;
  }
}

async function stillWanted(
  { records }: SwarmStartParts,
  { id }: SwarmRecord,
  operation: Operation,
  signal: AbortSignal,
): Promise<Live<SwarmRecord>> {
  const current = await records.read(id, signal);
  if (current === undefined) throw notFound(id);
  fence(current, operation);
  checkReadable(current);
  if (!isLive(current)) throw notFound(id);
  if (current.desired === 'running') return current;
  throw new StreamSpaceError('conflict', `Session ${id} was hibernated while it started`);
}

/** Writes down why, and takes away what might still start later. */
async function note(
  { records, options }: SwarmStartParts,
  { id, instance, term }: Live<SwarmRecord>,
  { message }: Error,
  { signal }: Operation,
): Promise<void> {
  const failure = { instance, reason: message };
  try {
    for (;;) {
      const current = await records.read(id, signal);
      if (current?.instance !== instance || current.desired !== 'running' || current.term !== term) return;
      if (current.failure?.instance === instance) return;
      if ((await records.write(records.draft(id, current, { failure }), current, signal)) !== undefined) return;
    }
  } catch (err) {
    signal.throwIfAborted();
    options.log.warn({ session: id, err }, 'The reason of a failed start could not be written down');
  }
}
