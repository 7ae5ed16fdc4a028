import type { V1PersistentVolumeClaim, V1Pod } from '@kubernetes/client-node';
import { type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { deadline, DeadlineError, sleep, withDeadline } from 'clock-port';
import { ApiError, isStatus } from 'kube-client';
import type { Operation } from '../../driver.ts';
import { fence } from '../../core/record.ts';
import type { Context } from '../context.ts';
import { SESSION_CONTAINER, sessionName } from '../objects/names.ts';
import { podFor } from '../objects/pod.ts';
import type { ServiceRecord } from '../objects/record.ts';
import { type Diagnosis, reasonFor } from '../state/reason.ts';
import { isQuota, refusalOf } from '../state/refusal.ts';
import { claimPod } from '../warm/claim.ts';
import { ensureHome, HOME_ANEW, readHome } from './home.ts';
import { readPod, removePod } from './stop.ts';

/** A start that takes longer than this is worth words, milliseconds. */
const SLOW_MS = 2_000;
/** What every start goes through is told only when it takes this long, milliseconds. */
const ROUTINE_MS = 20_000;
/** What will hardly get better (a wrong image) is given this long, milliseconds. */
const DOUBTFUL_MS = 60_000;
/** A slow start is looked at this often even if nothing changes: time itself may make it worth words. Milliseconds. */
const LOOK_AGAIN_MS = 5_000;
const LOG_MS = 5_000;
/** What warm pods had of a quota is free again after some time: tries, and milliseconds between them. */
const LET_GO_TRIES = 20;
const LET_GO_MS = 250;
/** So much of the program's last output is part of the reason. */
const LOG_QUERY = { container: SESSION_CONTAINER, tailLines: 10, limitBytes: 2048 };

/**
 * Brings a session to life whose record says `creating` or `waking`, or joins who is doing so: home, pod, screen. Resolves when
 * it runs; otherwise the record says `failed` with the reason, and that is thrown. An abort leaves everything as it is.
 */
export async function start(
  context: Context,
  record: ServiceRecord,
  operation: Operation,
  tell: Tell,
): Promise<SessionStatus> {
  const { spec } = record;
  const limit = deadline(context.clock, context.startDeadline, 'start', operation.signal);
  let waitsFor: string | undefined;
  try {
    const onHome = (reason: string) => {
      waitsFor = reason;
      tell(reason);
    };
    const home = await ensureHome(context, spec, onHome, limit.signal);
    // one that has run before had a home
    if (home.was === 'made anew' || (home.was === 'made' && record.phase === 'waking'))
      await sayAnew(context, record, operation, home.was);
    await context.step('home made', spec.id);
    const pod = await ensurePod(context, record, home.name, operation, limit.signal);
    await context.step('pod made', spec.id);
    await untilReady(context, record, operation, pod, limit.signal, (reason, worthTelling) => {
      waitsFor = reason;
      if (worthTelling) tell(reason);
    });
    await context.step('pod ready', spec.id);
    const { reason } = await context.records.change(spec.id, operation, (current) => {
      if (current.phase === 'running') return undefined;
      if (current.phase === record.phase) return { phase: 'running', reason: current.reason };
      throw new StreamSpaceError('conflict', `Session ${spec.id} was changed (${current.phase}) while it started`);
    });
    return { spec, state: 'running', ...(reason !== '' && { reason }) };
  } catch (error) {
    operation.signal.throwIfAborted();
    if (
      error instanceof StreamSpaceError &&
      (error.code === 'superseded' || error.code === 'conflict' || error.code === 'not_found')
    ) {
      throw error;
    }
    const failure = asFailure(
      error,
      waitsFor ?? context.client.troubles.current ?? 'it waits for the API server',
      context.startDeadline,
    );
    await fail(context, record, failure.message, operation.signal);
    throw failure;
  } finally {
    limit.clear();
  }
}

export type Tell = (reason: string) => void;

/** At once, so that whoever goes on with the start after a crash still knows. */
async function sayAnew(
  context: Context,
  { spec, phase }: ServiceRecord,
  operation: Operation,
  home: string,
): Promise<void> {
  context.log.warn({ session: spec.id, home }, 'Home of a session was missing; an empty one was made');
  await context.records.change(spec.id, operation, (current) =>
    current.phase === phase ? { reason: HOME_ANEW } : undefined,
  );
}

function asFailure(error: unknown, waitsFor: string, ms: number): StreamSpaceError {
  if (error instanceof StreamSpaceError) return error;
  if (error instanceof ApiError) return refusalOf(error, 'pod');
  if (error instanceof DeadlineError) {
    return new StreamSpaceError('driver_failed', `Not started within ${Math.round(ms / 1000)} s: ${waitsFor}`);
  }
  return new StreamSpaceError(
    'driver_failed',
    error instanceof Error ? error.message : String(error),
    {},
    { cause: error },
  );
}

/** Writes down why, and takes away what might still start later; a pod that has ended stays for whoever wants to look at it. */
async function fail(context: Context, record: ServiceRecord, reason: string, signal: AbortSignal): Promise<void> {
  const current = await context.records.read(record.spec.id, signal);
  if (current?.uid !== record.uid || current.term !== record.term || current.phase !== record.phase) return;
  if ((await context.records.note(current, { phase: 'failed', reason }, signal)) === undefined) return;
  const pod = await readPod(context, current, signal);
  const ended = pod?.status?.phase === 'Failed' || pod?.status?.phase === 'Succeeded';
  if (pod !== undefined && !ended) await removePod(context, current, { force: true }, signal);
}

/** The session's pod: the pool's that its record names, the one that is there if it can still serve, a new one otherwise. */
async function ensurePod(
  context: Context,
  given: ServiceRecord,
  home: string | undefined,
  operation: Operation,
  signal: AbortSignal,
): Promise<V1Pod> {
  const { client, config, view, pool } = context;
  const { id } = given.spec;
  const own = sessionName(id);
  let record = given;
  let gaveWay = false;
  let room = LET_GO_TRIES;
  const usable = (pod: V1Pod) =>
    pod.metadata?.ownerReferences?.some(({ uid }) => uid === record.uid) === true && reasonFor(pod).state !== 'failed';
  if (record.pod !== own) {
    const claimed = await claimPod(context, record, signal);
    if (claimed === 'lost') {
      // under compare-and-set with the term: whoever still goes by the old name can't get that pod any more
      const { phase } = given;
      record = await context.records.change(id, operation, (current) => {
        if (current.phase === phase) return { pod: own };
        throw new StreamSpaceError('conflict', `Session ${id} was changed (${current.phase}) while it started`);
      });
    } else if (claimed !== undefined && usable(claimed)) return claimed;
  }
  for (let pod = view.pod(id); ; pod = await readPod(context, record, signal)) {
    if (pod === undefined) {
      try {
        // one that the watch has not shown yet is taken over by it, if it is the same
        const made = await client.apply('pods', podFor({ ...record, home }, config), signal);
        view.pods.learn(made);
        if (usable(made)) return made;
      } catch (error) {
        if (isQuota(error) && (gaveWay || (await pool.giveWay(signal)))) {
          // counted off a little later
          gaveWay = true;
          await sleep(context.clock, LET_GO_MS, signal);
          if (room-- > 0) continue;
        }
        // somebody else's was there first, and differs
        if (!(isStatus(error, 422) || isStatus(error, 409))) throw error;
        if ((await readPod(context, record, signal)) === undefined) throw error;
      }
      continue;
    }
    if (usable(pod)) return pod;
    await removePod(context, record, { force: false }, signal);
  }
}

/** Resolves when the pod is ready. Throws what keeps it from ever being. */
async function untilReady(
  context: Context,
  record: ServiceRecord,
  operation: Operation,
  made: V1Pod,
  signal: AbortSignal,
  onWait: (reason: string, worthTelling: boolean) => void,
): Promise<void> {
  const { view, clock } = context;
  const { id } = record.spec;
  const name = made.metadata!.name!;
  let gaveWay = false;
  const began = clock.monotonic();
  let claim: V1PersistentVolumeClaim | undefined;
  let doubtful: number | undefined;

  const look = async (): Promise<boolean> => {
    const now = view.record(id);
    if (now !== undefined) fence(now, operation);
    const current = view.pod(id);
    const pod = current ?? made;
    // seen by the watch once, and not any more
    const gone =
      current === undefined
        ? (await readPod(context, { id, pod: name }, signal)) === undefined
        : current.metadata?.uid !== made.metadata?.uid;
    if (gone) throw new StreamSpaceError('driver_failed', 'Its pod was deleted from outside');
    let diagnosis = reasonFor(pod, view.events(pod, claim?.metadata?.name ?? ''), claim);
    if (diagnosis.state === 'running') return true;
    if (diagnosis.unschedulable && !gaveWay) {
      gaveWay = true;
      await context.pool.giveWay(signal);
    }
    if (/persistentvolumeclaim/i.test(diagnosis.reason)) {
      claim = await readHome(context, record.spec, signal);
      diagnosis = reasonFor(pod, view.events(pod, claim?.metadata?.name ?? ''), claim);
    }
    doubtful = diagnosis.doubtful ? (doubtful ?? clock.monotonic()) : undefined;
    if (diagnosis.final || (doubtful !== undefined && clock.monotonic() - doubtful >= DOUBTFUL_MS))
      throw new StreamSpaceError('driver_failed', await withLog(context, name, diagnosis, signal));
    onWait(diagnosis.reason, clock.monotonic() - began >= (diagnosis.routine ? ROUTINE_MS : SLOW_MS));
    return false;
  };

  /** Looks at every change for `ms`; whether it is ready. */
  const readyWithin = async (ms: number): Promise<boolean> => {
    const patience = deadline(clock, ms, 'start', signal);
    try {
      for (;;) {
        const { changed, stop } = view.nextChange(id, patience.signal);
        try {
          if (await look()) return true;
          await changed;
        } catch (error) {
          if (patience.signal.aborted && !signal.aborted) return false;
          throw error;
        } finally {
          stop();
        }
      }
    } finally {
      patience.clear();
    }
  };

  if (await readyWithin(SLOW_MS)) return;
  await view.duringEvents(async () => {
    while (!(await readyWithin(LOOK_AGAIN_MS)));
  });
}

/** The reason with the program's last words, where it ended by itself and they can be had. */
export async function withLog(
  context: Context,
  pod: string,
  diagnosis: Diagnosis,
  signal: AbortSignal,
): Promise<string> {
  if (!diagnosis.crashed) return diagnosis.reason;
  try {
    const log = await withDeadline(context.clock, LOG_MS, 'log', signal, (limit) =>
      context.client.log(pod, LOG_QUERY, limit),
    );
    return log.trim() === '' ? diagnosis.reason : `${diagnosis.reason}. Its last lines:\n${log.trim()}`;
  } catch (error) {
    signal.throwIfAborted();
    context.log.warn({ err: error, pod }, 'The log of a crashed session can’t be read');
    return diagnosis.reason;
  }
}
