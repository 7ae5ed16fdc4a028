import { answered, EngineError } from '../engine/error.ts';
import type { Engine } from '../engine/engine.ts';
import type { NodeObject, ServiceObject, ServiceSpec, SwarmInfo, TaskObject } from './objects/swarm-objects.ts';

/** Labels that all have to be there, each `name=value`. */
type Labels = readonly string[];

/** The API of a swarm's manager, as far as it is used. Throws {@link EngineError}. */
export class Services {
  readonly #engine: Engine;
  #ownNode: string | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** By name or id; undefined: there is none. */
  async find(name: string, signal: AbortSignal): Promise<ServiceObject | undefined> {
    try {
      return await this.#engine.json<ServiceObject>(`/services/${name}`, {}, signal);
    } catch (error) {
      if (answered(error, 404)) return undefined;
      throw error;
    }
  }

  list(label: Labels, signal: AbortSignal): Promise<ServiceObject[]> {
    return this.#engine.json('/services', { query: { filters: { label } } }, signal);
  }

  /** False: the name is taken. */
  async create(body: ServiceSpec, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#engine.json('/services/create', { method: 'POST', body }, signal);
      return true;
    } catch (error) {
      if (answered(error, 409)) return false;
      throw error;
    }
  }

  /** Compare-and-set: false if the service has changed since, or is gone. `auth`: value of X-Registry-Auth for its image. */
  async update(
    { ID, Version }: Pick<ServiceObject, 'ID' | 'Version'>,
    body: ServiceSpec,
    signal: AbortSignal,
    auth?: string,
  ): Promise<boolean> {
    const headers: Record<string, string> = auth === undefined ? {} : { 'X-Registry-Auth': auth };
    try {
      const query = { version: Version.Index };
      await this.#engine.json(`/services/${ID}/update`, { method: 'POST', query, body, headers }, signal);
      return true;
    } catch (error) {
      if (answered(error, 404) || isStale(error)) return false;
      throw error;
    }
  }

  async remove({ ID }: Pick<ServiceObject, 'ID'>, signal: AbortSignal): Promise<void> {
    try {
      await this.#engine.json(`/services/${ID}`, { method: 'DELETE' }, signal);
    } catch (error) {
      if (!answered(error, 404)) throw error;
    }
  }

  /** Tasks of services with those labels, or of one service. */
  tasks(
    filters:
      { readonly label: Labels } | { readonly service: readonly [string] } | { readonly 'desired-state': Labels },
    signal: AbortSignal,
  ): Promise<TaskObject[]> {
    return this.#engine.json('/tasks', { query: { filters } }, signal);
  }

  nodes(signal: AbortSignal): Promise<NodeObject[]> {
    return this.#engine.json('/nodes', {}, signal);
  }

  /** Id of the node whose engine this is. */
  async ownNode(signal: AbortSignal): Promise<string> {
    this.#ownNode ??= (await this.#engine.json<SwarmInfo>('/info', {}, signal)).Swarm?.NodeID ?? '';
    return this.#ownNode;
  }
}

/** Somebody else has changed it since it was read. */
const isStale = (error: unknown): boolean =>
  error instanceof EngineError && error.status >= 400 && /update out of sequence/i.test(error.message);
