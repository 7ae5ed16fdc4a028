import type { CoreV1Event, V1Pod, V1Service } from '@kubernetes/client-node';
import type { Clock } from 'clock-port';
import type { KubeClient, KubeObject } from '../api/client.ts';
import { Informer } from '../api/informer.ts';
import { SharedRun } from '../api/shared-run.ts';
import { ownSelector, sessionName } from '../objects/names.ts';
import { recordOf, type StoredRecord } from '../objects/record.ts';
import type { DriverLog } from '../options.ts';

/**
 * What the cluster says of our sessions, kept by watches as long as anybody needs it: pods and Services all the time while
 * watching, events only while a start takes long.
 */
export class View {
  readonly pods: Informer<V1Pod & KubeObject>;
  readonly services: Informer<V1Service & KubeObject>;
  readonly #events: Informer<CoreV1Event & KubeObject>;
  readonly #shared: SharedRun;
  readonly #sharedEvents: SharedRun;

  constructor(client: KubeClient, agentId: string, clock: Clock, log: DriverLog) {
    const query = { labelSelector: ownSelector(agentId) };
    const onTrouble = (resource: string) => (error: unknown) =>
      log.warn({ err: error, resource }, 'Watch of the cluster was lost; trying again');
    this.pods = new Informer({ client, resource: 'pods', query, clock, onTrouble: onTrouble('pods') });
    this.services = new Informer({ client, resource: 'services', query, clock, onTrouble: onTrouble('services') });
    this.#events = new Informer({
      client,
      resource: 'events',
      query: { fieldSelector: 'type=Warning' },
      clock,
      optional: true,
      onTrouble: onTrouble('events'),
    });
    this.#shared = new SharedRun(async (signal) => {
      await Promise.all([this.pods.run(signal), this.services.run(signal)]);
    });
    this.#sharedEvents = new SharedRun((signal) => this.#events.run(signal));
  }

  /** Runs `work` with pods and Services in sight. */
  async during<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#shared.during(async () => {
      await unlessAborted(Promise.all([this.pods.synced, this.services.synced]), signal);
      return work();
    });
  }

  /** Whether pods and Services are in sight right now. */
  get live(): boolean {
    return this.#shared.running && this.pods.isSynced && this.services.isSynced;
  }

  /** Runs `work` with events in sight too, as far as we may read them. */
  duringEvents<T>(work: () => Promise<T>): Promise<T> {
    return this.#sharedEvents.during(work);
  }

  record(sessionId: string): StoredRecord | undefined {
    const service = this.services.get(sessionName(sessionId));
    return service === undefined ? undefined : recordOf(service);
  }

  records(): StoredRecord[] {
    return this.services.all().flatMap((service) => recordOf(service) ?? []);
  }

  pod(sessionId: string): V1Pod | undefined {
    return this.pods.get(sessionName(sessionId));
  }

  /** Warnings of a pod and its home. */
  events(pod: V1Pod, claim: string): CoreV1Event[] {
    return this.#events
      .all()
      .filter(({ involvedObject: { uid, kind, name } }) =>
        kind === 'PersistentVolumeClaim' ? name === claim : uid === pod.metadata?.uid,
      );
  }

  /** Resolves at the next change of the session's pod or record, or of any event. Rejects when aborted. */
  nextChange(sessionId: string, signal: AbortSignal): { changed: Promise<void>; stop: () => void } {
    const wanted = sessionName(sessionId);
    const stops: (() => void)[] = [];
    const stop = () => {
      for (const each of stops.splice(0)) each();
    };
    const changed = new Promise<void>((resolve, reject) => {
      const onChange = (name: string) => {
        if (name === wanted) resolve();
      };
      const onAbort = () => reject(signal.reason as Error);
      stops.push(
        this.pods.onChange(onChange),
        this.services.onChange(onChange),
        this.#events.onChange(() => resolve()),
      );
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      stops.push(() => signal.removeEventListener('abort', onAbort));
    });
    changed.then(stop, stop);
    return { changed, stop };
  }
}

async function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let onAbort: (() => void) | undefined;
  try {
    signal.throwIfAborted();
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    await Promise.race([work, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}
