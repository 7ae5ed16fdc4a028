import type { CoreV1Event, V1Pod, V1Service } from '@kubernetes/client-node';
import { abortable, type Clock, Outage, outcomeOf, scope } from 'clock-port';
import { forNobody, Informer, type KubeClient, type KubeObject } from 'kube-client';
import { SharedRun } from './shared-run.ts';
import { ANNOTATIONS, ownSelector, sessionName } from '../objects/names.ts';
import { recordOf, type ServiceRecord } from '../objects/record.ts';
import type { DriverLog } from '../../core/driver-log.ts';

/**
 * A local copy of the cluster's objects for this agent's sessions, kept by watches while it has users: pods and Services for the whole time,
 * events only during slow starts.
 */
export class View {
  readonly pods: Informer<V1Pod & KubeObject>;
  readonly services: Informer<V1Service & KubeObject>;
  readonly #events: Informer<CoreV1Event & KubeObject>;
  readonly #shared: SharedRun;
  readonly #sharedEvents: SharedRun;
  /** For sessions with a pod of the warm pool: Service by pod, and pod by Service. */
  readonly #serviceOf = new Map<string, string>();
  readonly #podOf = new Map<string, string>();

  constructor(client: KubeClient, agentId: string, clock: Clock, log: DriverLog) {
    const query = { labelSelector: ownSelector(agentId) };
    const outages: Outage[] = [];
    const onTrouble = (resource: string) => {
      const outage = new Outage(clock, log, 'Watch of the cluster was lost; trying again');
      outages.push(outage);
      return (error: unknown) => outage.failed({ err: error, resource });
    };
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
    this.services.onChange((name, service) => this.#note(name, service?.metadata?.annotations?.[ANNOTATIONS.pod]));
    this.#shared = new SharedRun(async (signal) => {
      await forNobody(() => Promise.all([this.pods.run(signal), this.services.run(signal)]));
      for (const outage of outages) outage.stop();
      // the copies are forgotten
      this.#serviceOf.clear();
      this.#podOf.clear();
    });
    this.#sharedEvents = new SharedRun((signal) => forNobody(() => this.#events.run(signal)));
  }

  /** Runs `work` with pods and Services in view. */
  async during<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#shared.during(async () => {
      await abortable(signal, () => Promise.all([this.pods.synced, this.services.synced]));
      return work();
    });
  }

  /** Whether pods and Services are in view right now. */
  get live(): boolean {
    return this.#shared.running && this.pods.isSynced && this.services.isSynced;
  }

  /** Runs `work` with events in view too, as far as the agent may read them. */
  duringEvents<T>(work: () => Promise<T>): Promise<T> {
    return this.#sharedEvents.during(work);
  }

  record(sessionId: string): ServiceRecord | undefined {
    const service = this.services.get(sessionName(sessionId));
    return service === undefined ? undefined : recordOf(service);
  }

  records(): ServiceRecord[] {
    return this.services.all().flatMap((service) => recordOf(service) ?? []);
  }

  /** The session's own pod: not a pod of the warm pool that the session is about to get. */
  pod(sessionId: string): V1Pod | undefined {
    const name = sessionName(sessionId);
    const pod = this.pods.get(this.#podOf.get(name) ?? name);
    return pod !== undefined && isOf(pod, sessionId) ? pod : undefined;
  }

  /** Whether a session's record names this pod, whose name is not derived from the session's. */
  isNamed(pod: string): boolean {
    return this.#serviceOf.has(pod);
  }

  /**
   * Calls back with the name of a session's Service when the Service or the session's pod changes. Returns a function that ends the
   * subscription.
   */
  onChange(listener: (name: string) => void): () => void {
    const stops = [
      this.pods.onChange((pod) => listener(this.#serviceOf.get(pod) ?? pod)),
      this.services.onChange((service) => listener(service)),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Warnings about a pod and its home. */
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
    const waiting = scope(signal);
    const changed = outcomeOf(waiting.signal, (resolve) => {
      const stops = [this.onChange((name) => name === wanted && resolve()), this.#events.onChange(() => resolve())];
      return () => {
        for (const each of stops) each();
      };
    });
    const stop = () => waiting.end(new Error('nobody waits for the change'));
    changed.then(stop, stop);
    return { changed, stop };
  }

  #note(service: string, given: string | undefined): void {
    const pod = given === service ? undefined : given;
    const before = this.#podOf.get(service);
    if (before === pod) return;
    if (before !== undefined) this.#serviceOf.delete(before);
    if (pod === undefined) this.#podOf.delete(service);
    else {
      this.#podOf.set(service, pod);
      this.#serviceOf.set(pod, service);
    }
  }
}

/** Whether a pod belongs to the session: not to the pool or, by now, to another session. */
export const isOf = (pod: V1Pod, sessionId: string): boolean =>
  pod.metadata?.name === sessionName(sessionId) || pod.metadata?.labels?.['session'] === sessionId;
