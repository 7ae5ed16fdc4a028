import { randomBytes } from 'node:crypto';
import type { Capacity, SessionSpec } from '@streamspace/protocol';
import { Outage, pause, scope, withDeadline } from 'clock-port';
import { warmName } from '../../core/names.ts';
import { hasHome, screenPort } from '../../core/environment.ts';
import type { WarmTemplate } from '../../core/warm-templates.ts';
import { inspect } from '../engine/containers.ts';
import { isNameTaken } from '../engine/error.ts';
import { ensureImage } from '../images/pull.ts';
import { ensureSharedNetwork, hasOwnNetworks } from '../network.ts';
import { type ImageConfig, sessionImage, containerShape, warmContainer } from '../objects/container.ts';
import type { ContainerSummary } from '../objects/engine-objects.ts';
import { APP, CLAIMED_LABEL, isWaiting, SHAPE_LABEL } from '../objects/names.ts';
import type { DockerRecord } from '../objects/record.ts';
import type { DockerDriverOptions } from '../options.ts';
import type { Screens } from '../screens/screen.ts';
import { claim, discard, give } from './claim.ts';
import { tellIdentity } from './identity.ts';
import { Room } from './room.ts';

/** The pool is checked this often even if nothing changes, milliseconds. */
const CHECK_MS = 10_000;
/** Pause after a claim, so that the session comes first, milliseconds. */
const SETTLE_MS = 500;
/** Longest round of making and removing containers, milliseconds. */
const ROUND_MS = 60_000;
/** Pause after a container that did not become ready, milliseconds. */
const PAUSE_MS = 60_000;
/** A container whose screen does not answer after this time has failed, milliseconds. */
const READY_MS = 60_000;
/** Milliseconds between two looks at a screen that does not answer yet. */
const LOOK_MS = 250;
/** A claimed container without a session for this long is one whose claimer died, milliseconds. */
const ABANDONED_MS = 60_000;
/** Warm containers that one start tries to claim. */
const TRIES = 5;

export interface WarmContainersParts {
  readonly options: DockerDriverOptions;
  readonly screens: Screens;
  /** Everything of this agent's: its containers, those of sessions and claims included, and records. */
  readonly look: (
    signal: AbortSignal,
  ) => Promise<{ readonly records: readonly DockerRecord[]; readonly all: readonly ContainerSummary[] }>;
  readonly capacity: (signal: AbortSignal) => Promise<Capacity>;
}

interface Kept {
  readonly template: WarmTemplate;
  readonly shape: string;
}

/**
 * Containers that run before their session exists: as many of each template as its `warm` says. The leader keeps them; the next leader goes on with the
 * same ones. Whoever takes one, for a session or to remove it, claims it first ({@link claim}), so no container is given twice. They have what
 * capacity sessions leave.
 */
export class WarmContainers {
  readonly #parts: WarmContainersParts;
  readonly #templates: readonly Kept[];
  /** Waiting containers whose screen has answered, by id: their shapes. */
  readonly #ready = new Map<string, string>();
  /** Since when a container is looked at whose screen has not answered yet, monotonic milliseconds. */
  readonly #seen = new Map<string, number>();
  #pausedUntil = 0;
  /** Whether the log says why there are none. */
  #told = false;
  #wake: () => void = () => undefined;

  constructor(parts: WarmContainersParts) {
    this.#parts = parts;
    const { warm: templates = [] } = parts.options;
    this.#templates = templates.map((template) => ({ template, shape: containerShape(template, parts.options) }));
  }

  /** Makes a warm container that fits the spec the session's start of that number; false: there is none. */
  async take(spec: SessionSpec, start: number, signal: AbortSignal): Promise<boolean> {
    if (this.#templates.length === 0 || hasHome(spec)) return false;
    const { options } = this.#parts;
    const shape = containerShape(spec, options);
    const fitting = [...this.#ready].filter(([, each]) => each === shape).slice(0, TRIES);
    for (const [id] of fitting) {
      // another start of this process does not try it too
      if (!this.#ready.delete(id) || !(await claim(options, id, signal))) continue;
      await options.step?.('warm claimed', spec.id);
      this.changed();
      const given = await give(options, id, { session: spec.id, start }, signal);
      // the sweep finds what is left
      if (!given) void discard(options, id, signal).catch(() => undefined);
      else void tellIdentity(options, id, spec, signal);
      return given;
    }
    return false;
  }

  /** Containers that would be given to a session at once. */
  get ready(): number {
    return this.#ready.size;
  }

  /** Something happened to a container: the pool is looked at soon. */
  changed(): void {
    this.#wake();
  }

  /** Keeps the pool, until the signal aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts.options;
    const outage = new Outage(clock, log, 'Warm containers could not be maintained; trying again');
    try {
      while (!signal.aborted) {
        const woken = new Promise<void>((resolve) => (this.#wake = resolve));
        let state: 'coming' | 'kept' | 'none' = 'kept';
        try {
          state = await withDeadline(clock, ROUND_MS, 'warm containers', signal, (limit) => this.#round(limit));
          outage.over();
          if (state === 'none') return;
        } catch (error) {
          if (signal.aborted) return;
          outage.failed({ err: error });
        }
        if (state === 'coming') await pause(clock, LOOK_MS, signal);
        else {
          const patience = scope(signal);
          await Promise.race([woken, pause(clock, CHECK_MS, patience.signal)]);
          patience.end();
          await pause(clock, SETTLE_MS, signal);
        }
      }
    } finally {
      outage.stop();
    }
  }

  /** `coming`: a container is on its way; `none`: there is nothing to keep. */
  async #round(signal: AbortSignal): Promise<'coming' | 'kept' | 'none'> {
    const { options, look } = this.#parts;
    const { records, all } = await look(signal);
    const claims = all.filter(({ Labels }) => Labels['app'] === APP.claim);
    const claimed = new Set(claims.map(({ Labels }) => Labels[CLAIMED_LABEL]));
    const containers = all.filter(({ Labels }) => Labels['app'] === APP.session);
    await this.#sweep(claims, containers, signal);
    const waiting = containers.filter((each) => isWaiting(each) && !claimed.has(each.Id));
    for (const id of this.#ready.keys()) if (!waiting.some(({ Id }) => Id === id)) this.#ready.delete(id);
    for (const id of this.#seen.keys()) if (!waiting.some(({ Id }) => Id === id)) this.#seen.delete(id);
    const templates = await this.#possible(signal);
    if (templates.length === 0 && waiting.length === 0) return claims.length === 0 ? 'none' : 'kept';
    const good: ContainerSummary[] = [];
    const bad: ContainerSummary[] = [];
    for (const each of waiting) ((await this.#isGood(each, signal)) ? good : bad).push(each);
    const kept = new Set<ContainerSummary>();
    let room = await this.#room(records, signal);
    let made = 0;
    for (const { template, shape } of templates) {
      const want = Math.min(template.warm, room.least(template));
      room = room.without(template, want);
      const mine = good.filter(({ Labels }) => Labels[SHAPE_LABEL] === shape).toSorted(byAge);
      for (const each of mine.slice(0, want)) kept.add(each);
      for (let n = mine.length; n < want && options.clock.monotonic() >= this.#pausedUntil; n++, made++)
        await this.#make(template, shape, signal);
    }
    for (const each of [...good.filter((one) => !kept.has(one)), ...bad]) {
      this.#ready.delete(each.Id);
      if (await claim(options, each.Id, signal)) await discard(options, each.Id, signal);
    }
    return made > 0 || [...kept].some(({ Id }) => !this.#ready.has(Id)) ? 'coming' : 'kept';
  }

  /** The templates that warm containers can be kept of: none where each session has a network of its own, since its name is the session's. */
  async #possible(signal: AbortSignal): Promise<readonly Kept[]> {
    const { options } = this.#parts;
    const { log } = options;
    if (this.#templates.length === 0 || !(await hasOwnNetworks(options, signal))) return this.#templates;
    const why =
      'No warm containers: on Podman each session has a network of its own. SESSION_NETWORK names one for all';
    if (!this.#told) log.warn({ templates: this.#templates.map(({ template }) => template.id) }, why);
    this.#told = true;
    return [];
  }

  /** Claims of containers that are gone, and containers whose claimer died. */
  async #sweep(
    claims: readonly ContainerSummary[],
    containers: readonly ContainerSummary[],
    signal: AbortSignal,
  ): Promise<void> {
    const { options } = this.#parts;
    for (const { Labels, Created } of claims) {
      const id = Labels[CLAIMED_LABEL] ?? '';
      const container = containers.find(({ Id }) => Id === id);
      const abandoned = options.clock.now() - Created * 1_000 > ABANDONED_MS;
      if (container === undefined || (isWaiting(container) && abandoned)) await discard(options, id, signal);
    }
  }

  /** Whether a waiting container runs and its screen answers, or may do so in time. */
  async #isGood({ Id, State, Labels }: ContainerSummary, signal: AbortSignal): Promise<boolean> {
    const { options, screens } = this.#parts;
    const { clock, engine, log } = options;
    const fails = (): false => {
      log.warn(
        { container: Id, template: Labels['warm'] },
        'Warm container did not start, or ended; it will be replaced later',
      );
      this.#pausedUntil = clock.monotonic() + PAUSE_MS;
      return false;
    };
    if (State !== 'running' && State !== 'created') return fails();
    if (this.#ready.has(Id)) return true;
    const fitting = this.#templates.find(({ shape }) => shape === Labels[SHAPE_LABEL]);
    if (fitting === undefined) return false;
    const since = this.#seen.get(Id) ?? clock.monotonic();
    this.#seen.set(Id, since);
    const details = await inspect(engine, Id, signal);
    if (
      details?.State.Status === 'running' &&
      (await screens.speaks(details, screenPort(fitting.template, options), signal))
    ) {
      this.#ready.set(Id, fitting.shape);
      return true;
    }
    return clock.monotonic() - since < READY_MS || fails();
  }

  async #make(template: WarmTemplate, shape: string, signal: AbortSignal): Promise<void> {
    const { options } = this.#parts;
    const { engine, sessionImagePullPolicy: policy, dockerConfig: credentials } = options;
    const image = sessionImage(template, options);
    await ensureImage(image, { engine, credentials, policy }, () => undefined, signal);
    const { Config } = await engine.json<{ Config: ImageConfig | null }>(`/images/${image}/json`, {}, signal);
    await ensureSharedNetwork(options, signal);
    const name = warmName(template.id, randomBytes(5).toString('hex'));
    const body = warmContainer(template, shape, Config ?? {}, options);
    try {
      await engine.json('/containers/create', { method: 'POST', query: { name }, body }, signal);
    } catch (error) {
      if (!isNameTaken(error)) throw error;
    }
    await engine.json(`/containers/${name}/start`, { method: 'POST' }, signal);
  }

  /** What sessions leave of the capacity. */
  async #room(records: readonly DockerRecord[], signal: AbortSignal): Promise<Room> {
    const { options, capacity } = this.#parts;
    const { cpu, memory, max_sessions: sessions } = await capacity(signal);
    const active = records.flatMap(({ desired, spec }) => (desired === 'running' && spec !== undefined ? [spec] : []));
    return active.reduce((room, spec) => room.without(spec, 1), new Room({ cpu, memory, sessions }, options));
  }
}

/** Oldest first: an order that all leaders share. */
const byAge = (a: ContainerSummary, b: ContainerSummary): number => a.Created - b.Created || (a.Id < b.Id ? -1 : 1);
