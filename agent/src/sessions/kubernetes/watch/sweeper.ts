import type { V1Pod } from '@kubernetes/client-node';
import { type Clock, Outage, withDeadline } from 'clock-port';
import type { KubeClient } from 'kube-client';
import type { DriverLog } from '../../core/driver-log.ts';
import { ANNOTATIONS, sessionName } from '../objects/names.ts';
import { specOf, type ServiceRecord } from '../objects/record.ts';
import type { SessionPods } from '../operations/session-pods.ts';
import { reasonFor } from '../state/reason.ts';
import type { ServiceRecords } from '../state/service-records.ts';
import type { View } from '../state/view.ts';
import { isWarm } from '../warm/pool.ts';
import type { Operations } from '../../core/operations.ts';
import type { DeletedTerms } from './deleted-terms.ts';

/**
 * An object without progress for this long is a leftover of a dead process, milliseconds: until then, its command may just be on its way again.
 */
const ABANDONED_MS = 30_000;
/** Longest work on one leftover, milliseconds. */
const ITEM_MS = 60_000;

export interface SweeperParts {
  readonly client: KubeClient;
  readonly records: ServiceRecords;
  readonly view: View;
  readonly pods: SessionPods;
  readonly operations: Operations;
  readonly deleted: DeletedTerms;
  readonly clock: Clock;
  readonly log: DriverLog;
  /** Longest time of a start, milliseconds. */
  readonly startDeadline: number;
  readonly finishDelete: (record: ServiceRecord, signal: AbortSignal) => Promise<void>;
}

/**
 * Finds the leftovers of crashed creates and lost deletes, and finishes or removes them. Reads the watches' copy; every change names the
 * version that it saw (uid, version), so it never harms another writer's objects. A pod with this agent's labels that no record knows is
 * adopted or reported as strange: never removed.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  /** The time when each leftover was first seen, by its kind and name. */
  #seen = new Map<string, number>();

  readonly #outage: Outage;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    this.#outage = new Outage(parts.clock, parts.log, 'Leftover could not be cleaned up; trying again');
  }

  stop(): void {
    this.#outage.stop();
  }

  async sweep(signal: AbortSignal): Promise<void> {
    const { view, clock } = this.#parts;
    const seen = new Map<string, number>();
    const since = (key: string): number => {
      const at = this.#seen.get(key) ?? clock.monotonic();
      seen.set(key, at);
      return clock.monotonic() - at;
    };
    const work: { what: string; run: (signal: AbortSignal) => Promise<void> }[] = [];
    const records = view.records();
    for (const record of records) {
      const { id } = record.spec;
      if (this.#parts.operations.concern(id)) continue;
      const run = this.#leftover(record, view.pod(id), since(`${record.uid} ${record.phase} ${record.commandId}`));
      if (run) work.push({ what: id, run });
    }
    const owners = new Set(records.map(({ uid }) => uid));
    for (const pod of view.pods.all()) {
      const run = this.#stray(pod, owners, since(`${pod.metadata?.uid}`));
      if (run) work.push({ what: pod.metadata?.name ?? '', run });
    }
    this.#seen = seen;
    await Promise.all(
      work.map(async ({ what, run }) => {
        try {
          await withDeadline(clock, ITEM_MS, 'leftover', signal, run);
        } catch (error) {
          if (!signal.aborted) this.#outage.failed({ err: error, session: what });
        }
      }),
    );
  }

  /** The work for a record without a running operation; undefined: none. */
  #leftover(
    record: ServiceRecord,
    pod: V1Pod | undefined,
    age: number,
  ): ((signal: AbortSignal) => Promise<void>) | undefined {
    const { records, pods, log, startDeadline } = this.#parts;
    const { id } = record.spec;
    const abandoned = age >= ABANDONED_MS;
    const say = (what: string) =>
      log.info({ session: id, phase: record.phase, what }, 'Leftover of an interrupted command');
    switch (record.phase) {
      case 'deleting':
        if (!abandoned) return undefined;
        return async (signal) => {
          say('delete finished');
          await this.#parts.finishDelete(record, signal);
        };
      case 'hibernated':
        if (!abandoned || pod === undefined) return undefined;
        return async (signal) => {
          say('pod removed');
          await pods.remove(record, { force: false }, signal);
        };
      case 'creating':
      case 'waking':
        break;
      default:
        return undefined;
    }
    // Made by a superseded leader after this process had deleted the session (its lease was no Lease, or it did not run out: LeaseFence).
    // Another process does not remember the delete, and need not: a leader that lost the lead has at most one write on its way, after which its
    // signal is aborted. A record without a pod is handled below, like any unfinished create; a pod of the deleted record is removed with its
    // owner. Reports of the superseded leader reach no hub [CON6].
    if (record.term < this.#parts.deleted.of(id)) {
      return async (signal) => {
        say('removed');
        await this.#parts.finishDelete({ ...record, deleteHome: false }, signal);
      };
    }
    if (pod === undefined) {
      if (!abandoned) return undefined;
      return async (signal) => {
        say(record.phase === 'creating' ? 'removed' : 'hibernated again');
        if ((await pods.read(record, signal)) !== undefined) return;
        if (record.phase === 'creating') await records.remove(record, signal);
        else await records.note(record, { phase: 'hibernated' }, signal);
      };
    }
    const diagnosis = reasonFor(pod);
    if (diagnosis.state === 'running') {
      return async (signal) => {
        say('adopted');
        await records.note(record, { phase: 'running', reason: record.reason }, signal);
      };
    }
    const late = age >= startDeadline;
    if (!abandoned || !(diagnosis.final || late)) return undefined;
    return async (signal) => {
      say('failed');
      const why = await pods.reasonWithLog(record.pod, diagnosis, signal);
      const reason = late ? `Not started within ${Math.round(startDeadline / 1000)} s: ${why}` : why;
      const noted = await records.note(record, { phase: 'failed', reason }, signal);
      if (noted && diagnosis.state !== 'failed') await pods.remove(record, { force: true }, signal);
    };
  }

  /** The work for a pod without a record; undefined: none. */
  #stray(pod: V1Pod, owners: ReadonlySet<string>, age: number): ((signal: AbortSignal) => Promise<void>) | undefined {
    const { client, view, log } = this.#parts;
    const { uid, name, ownerReferences = [], deletionTimestamp } = pod.metadata ?? {};
    const owner = ownerReferences.find(({ kind }) => kind === 'Service');
    // the pool's keeper handles these
    if (isWarm(pod)) return undefined;
    if (deletionTimestamp !== undefined || age < ABANDONED_MS / 2) return undefined;
    if (owner !== undefined) {
      if (owners.has(owner.uid)) return undefined;
      // its session was deleted while a superseded leader made the pod (where the cluster's garbage collector runs, the pod is gone before this
      // look)
      return async (signal) => {
        const services = await client.list('services', { fieldSelector: `metadata.name=${owner.name}` }, signal);
        if (services.items.some(({ metadata }) => metadata?.uid === owner.uid)) return;
        log.info({ pod: name, service: owner.name }, 'Pod of a deleted session removed');
        await client.remove('pods', name!, { preconditions: { uid } }, signal);
      };
    }
    const spec = specOf(pod);
    if (spec === undefined || name !== sessionName(spec.id)) {
      if (age < ABANDONED_MS)
        return async () => log.warn({ pod: name }, 'A pod with our labels is no session of ours; left alone');
      return undefined;
    }
    if (view.record(spec.id) !== undefined) return undefined;
    return (signal) => this.#adopt(pod, signal);
  }

  /** A pod that names its session but has no record: made by hand, or restored from a backup. */
  async #adopt(pod: V1Pod, signal: AbortSignal): Promise<void> {
    const { records, client, log } = this.#parts;
    const spec = specOf(pod)!;
    const annotations = pod.metadata?.annotations ?? {};
    const said = Number(annotations[ANNOTATIONS.term] ?? 0);
    const term = Number.isSafeInteger(said) ? said : 0;
    const first = records.first(spec, sessionName(spec.id), {
      commandId: annotations[ANNOTATIONS.command] ?? '',
      term,
    });
    const record = await records.write(first, undefined, signal);
    // another writer makes the record: the pod is theirs, or the next look handles it
    if (record === undefined) return;
    const { name, uid } = pod.metadata!;
    const owner = { apiVersion: 'v1', kind: 'Service', name: sessionName(spec.id), uid: record.uid };
    await client.apply(
      'pods',
      { apiVersion: 'v1', kind: 'Pod', metadata: { name, uid, ownerReferences: [owner] } } as V1Pod,
      signal,
    );
    log.info({ session: spec.id, pod: name }, 'A pod without a record was adopted');
  }
}
