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

/** What nobody works on for this long was left behind by somebody who died, milliseconds: its command may just be on its way again. */
const ABANDONED_MS = 30_000;
/** One leftover may take this long, milliseconds. */
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
  /** Milliseconds a start may take. */
  readonly startDeadline: number;
  readonly finishDelete: (record: ServiceRecord, signal: AbortSignal) => Promise<void>;
}

/**
 * Finds what crashed creates and lost deletes left, and finishes or removes it. Works on what the watches show; every change it
 * makes names what it saw (uid, version), so it never harms what somebody else makes meanwhile. A pod with our labels that
 * nobody knows is adopted, or said to be strange: never removed.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  /** When each leftover was seen first, by what it is. */
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

  /** What is to be done about a record that nobody works on; undefined: nothing. */
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
    // Made by a superseded leader after we had deleted it (its lease was no Lease, or it did not run out: LeaseFence). Another process does
    // not remember that, and need not: what a leader that lost the lead had on its way is one write, after which its signal is aborted. As a record without a pod it goes below, like
    // any create that nobody finishes; as a pod of the deleted record it goes with its owner. Its own words reach no hub [CON6].
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

  /** What is to be done about a pod without a record; undefined: nothing. */
  #stray(pod: V1Pod, owners: ReadonlySet<string>, age: number): ((signal: AbortSignal) => Promise<void>) | undefined {
    const { client, view, log } = this.#parts;
    const { uid, name, ownerReferences = [], deletionTimestamp } = pod.metadata ?? {};
    const owner = ownerReferences.find(({ kind }) => kind === 'Service');
    // the pool's keeper sees to those
    if (isWarm(pod)) return undefined;
    if (deletionTimestamp !== undefined || age < ABANDONED_MS / 2) return undefined;
    if (owner !== undefined) {
      if (owners.has(owner.uid)) return undefined;
      // its session was deleted while a superseded leader made it (where the cluster's collector runs, it is gone before we look)
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

  /** A pod that says which session it is, and has no record: made by hand, or restored from a backup. */
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
    // somebody else makes it: their pod, or the next look at this one
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
