import type { V1Pod } from '@kubernetes/client-node';
import type { SessionSpec } from '@streamspace/protocol';
import { type Clock, Outage, pause, scope, withDeadline } from 'clock-port';
import { randomBytes } from 'node:crypto';
import { isStatus, type KubeClient } from 'kube-client';
import type { DriverLog } from '../../core/driver-log.ts';
import { hasHome } from '../../core/environment.ts';
import { warmName } from '../../core/names.ts';
import { ANNOTATIONS, WARM_LABEL } from '../objects/names.ts';
import { shapeOf, warmPodFor } from '../objects/pod.ts';
import type { SessionObjectsConfig } from '../objects/settings.ts';
import { reasonFor } from '../state/reason.ts';
import type { View } from '../state/view.ts';
import type { WarmTemplate } from '../../core/warm-templates.ts';

/** The pool is checked this often even if nothing changes, from the watches' copy: a check costs no request. Milliseconds. */
const LOOK_MS = 10_000;
/** Pause after a claim, so that the session comes first, milliseconds. */
const SETTLE_MS = 500;
/** Longest round of making and removing pods, milliseconds. */
const ROUND_MS = 60_000;
/** Pause after a lack of room, or after a pod that did not become ready, milliseconds. */
const PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 600_000;
/** Pods made or removed at the same time: session starts need the API server too. */
const AT_ONCE = 5;

export interface WarmPoolParts {
  readonly client: KubeClient;
  readonly config: SessionObjectsConfig;
  readonly view: View;
  readonly clock: Clock;
  readonly log: DriverLog;
  readonly templates: readonly WarmTemplate[];
  readonly maxSessions: number;
  /** A pod that is not ready after this time has failed, milliseconds. */
  readonly startDeadline: number;
}

/**
 * Pods that are ready before their session exists: as many per template as its `warm` says. The leader keeps them. It counts the pods that the
 * cluster shows, so the next leader continues with the same pods, and excess pods of two concurrent leaders are removed. The pods give way to
 * the sessions that `MAX_SESSIONS` allows, and to a start that finds no room.
 */
export class WarmPool {
  readonly #parts: WarmPoolParts;
  readonly #shapes: ReadonlyMap<WarmTemplate, string>;
  /** Names of pods given to sessions of this process whose records do not name them yet, by session. */
  readonly #given = new Map<string, string>();
  readonly #seen = new Map<string, number>();
  #pausedUntil = 0;
  #pause = PAUSE_MS;

  constructor(parts: WarmPoolParts) {
    this.#parts = parts;
    const { templates, config } = parts;
    this.#shapes = new Map(templates.map((template) => [template, shapeOf(template, config)]));
  }

  /** The name of a ready pod that fits the session; a repeated call returns the same name. No other session gets the pod until `giveBack`. */
  take(spec: SessionSpec): string | undefined {
    const given = this.#given.get(spec.id);
    if (given !== undefined) return given;
    if (this.#parts.templates.length === 0 || hasHome(spec)) return undefined;
    const shape = shapeOf(spec, this.#parts.config);
    const pod = this.#waiting()
      .filter((each) => shapeIn(each) === shape && reasonFor(each).state === 'running')
      .toSorted(byAge)[0];
    const name = pod?.metadata?.name;
    if (name !== undefined) this.#given.set(spec.id, name);
    return name;
  }

  /** The session's record names the pod, or the session does not need it. */
  giveBack(sessionId: string): void {
    this.#given.delete(sessionId);
  }

  /** Removes the waiting pods and makes no new ones for a while: a session needs the room. Returns whether any pod was waiting. */
  async giveWay(signal: AbortSignal): Promise<boolean> {
    const waiting = this.#waiting();
    if (waiting.length === 0) return false;
    this.#parts.log.info({ pods: waiting.length }, 'Warm pods deleted to make room for a session');
    this.#pausedUntil = this.#parts.clock.monotonic() + PAUSE_MS;
    await this.#removeAll(waiting, signal);
    return true;
  }

  /** Keeps the pool while the cluster is in view, until the signal aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { view, clock, log } = this.#parts;
    const outage = new Outage(clock, log, 'Warm pool could not be maintained; trying again');
    let changed!: () => void;
    let change = new Promise<void>((resolve) => (changed = resolve));
    const stop = view.pods.onChange((name, pod) => {
      if (pod === undefined || isWarm(pod) || view.isNamed(name)) changed();
    });
    try {
      while (!signal.aborted) {
        try {
          await withDeadline(clock, ROUND_MS, 'warm pool', signal, (limit) => this.#round(limit));
          outage.over();
        } catch (error) {
          if (signal.aborted) return;
          outage.failed({ err: error });
          this.#rest();
        }
        const patience = scope(signal);
        await Promise.race([change, pause(clock, LOOK_MS, patience.signal)]);
        patience.end();
        await pause(clock, SETTLE_MS, signal);
        change = new Promise<void>((resolve) => (changed = resolve));
      }
    } finally {
      stop();
      outage.stop();
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { view, clock, startDeadline, log } = this.#parts;
    const waiting = this.#waiting();
    const names = new Set(waiting.map(({ metadata }) => metadata!.name!));
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name);
    const remove: V1Pod[] = [];
    const good = waiting.filter((pod) => {
      const name = pod.metadata!.name!;
      const since = this.#seen.get(name) ?? clock.monotonic();
      this.#seen.set(name, since);
      const { state, final, reason } = reasonFor(pod);
      if (state === 'running') return true;
      if (!final && clock.monotonic() - since < startDeadline) return true;
      log.warn({ pod: name, reason }, 'Warm pod did not start, or ended; it will be replaced later');
      this.#rest();
      remove.push(pod);
      return false;
    });
    const active = view.records().filter(({ phase }) => phase !== 'hibernated' && phase !== 'failed').length;
    let room = Math.max(0, this.#parts.maxSessions - active);
    const make: WarmTemplate[] = [];
    const kept = new Set<V1Pod>();
    for (const template of this.#parts.templates) {
      const shape = this.#shapes.get(template);
      const want = Math.min(template.warm, room);
      const mine = good.filter((pod) => shapeIn(pod) === shape).toSorted(byReadiness);
      for (const pod of mine.slice(0, want)) kept.add(pod);
      for (let missing = want - mine.length; missing > 0; missing--) make.push(template);
      room -= want;
    }
    remove.push(...good.filter((pod) => !kept.has(pod)));
    await this.#removeAll(remove, signal);
    if (make.length === 0 && [...kept].every((pod) => reasonFor(pod).state === 'running')) this.#pause = PAUSE_MS;
    if (clock.monotonic() < this.#pausedUntil) return;
    while (make.length > 0) await Promise.all(make.splice(0, AT_ONCE).map((each) => this.#make(each, signal)));
  }

  async #make(template: WarmTemplate, signal: AbortSignal): Promise<void> {
    const { client, config, view } = this.#parts;
    const name = warmName(template.id, randomBytes(5).toString('hex'));
    const made = await client.create<V1Pod>('pods', warmPodFor(template, name, config), signal);
    view.pods.learn(made);
  }

  async #removeAll(pods: readonly V1Pod[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < pods.length; at += AT_ONCE) {
      await Promise.all(pods.slice(at, at + AT_ONCE).map((pod) => this.#remove(pod, signal)));
    }
  }

  /** Removes the pod, unless it was claimed or changed otherwise since it was read. */
  async #remove(pod: V1Pod, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion, name } = pod.metadata!;
    const preconditions = { uid, resourceVersion };
    try {
      // nobody uses the pod
      await this.#parts.client.remove('pods', name!, { preconditions, gracePeriodSeconds: 0 }, signal);
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
    }
  }

  /** Pods of the pool that belong to no session and are not promised to one. */
  #waiting(): V1Pod[] {
    const { view } = this.#parts;
    const given = new Set(this.#given.values());
    return view.pods.all().filter((pod) => {
      const { name, deletionTimestamp } = pod.metadata!;
      return isWarm(pod) && deletionTimestamp === undefined && !given.has(name!) && !view.isNamed(name!);
    });
  }

  #rest(): void {
    this.#pausedUntil = this.#parts.clock.monotonic() + this.#pause;
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}

/** Whether a pod waits for its session. */
export const isWarm = (pod: V1Pod): boolean => pod.metadata?.labels?.[WARM_LABEL] !== undefined;

const shapeIn = (pod: V1Pod): string | undefined => pod.metadata?.annotations?.[ANNOTATIONS.shape];

/** Oldest first: an order that all leaders share. */
function byAge(a: V1Pod, b: V1Pod): number {
  const at = (pod: V1Pod) => `${String(pod.metadata?.creationTimestamp ?? '')} ${pod.metadata?.name}`;
  return at(a) < at(b) ? -1 : 1;
}

const byReadiness = (a: V1Pod, b: V1Pod): number =>
  Number(reasonFor(b).state === 'running') - Number(reasonFor(a).state === 'running') || byAge(a, b);
