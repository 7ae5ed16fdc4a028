import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { sleep } from 'clock-port';
import { hasHome, homePath } from '../../core/environment.ts';
import { failed } from '../../core/failure.ts';
import { homeName, labelValue } from '../../core/names.ts';
import { answered } from '../engine/error.ts';
import { APP, TEMPLATE_LABEL, USER_LABEL } from '../objects/names.ts';
import { DRIVER_LABEL, NODE_LABEL } from './objects/names.ts';
import { NOTHING } from './objects/record.ts';
import type { ServiceObject, ServiceSpec } from './objects/swarm-objects.ts';
import type { SwarmDriverOptions } from './options.ts';
import { nodeWithRoom } from './placement.ts';
import type { Services } from './services.ts';
import { nodeName, troubleOf } from './state/tasks.ts';

/** Milliseconds between two tries to remove a volume. */
const RETRY_MS = 200;

/** Where a session's home is. */
export interface SwarmHome {
  /** Of the container that runs the session. */
  readonly mount: object;
  /** Id of the node that has it; undefined: it is wherever the session runs. */
  readonly node: string | undefined;
}

/**
 * SwarmHomes of a swarm. A manager sees the volumes of its own node only, so each home has a record: a service without replicas of the home's name, which
 * says its owner and, for a volume of one node, the node.
 */
export class SwarmHomes {
  readonly #options: SwarmDriverOptions;
  readonly #services: Services;

  constructor(options: SwarmDriverOptions, services: Services) {
    this.#options = options;
    this.#services = services;
  }

  /** Whether homes made from now on can be mounted on any node. */
  get #shared(): boolean {
    const { sessionHomeDriver, sessionHomeOptions } = this.#options;
    return sessionHomeDriver !== 'local' || sessionHomeOptions !== undefined;
  }

  /**
   * The session's home, whose record is made unless it is there. Throws `home_of_another` for one that is not this owner's, and `driver_failed` where
   * its node runs no sessions, or no node has room for a new one.
   */
  async ensure(spec: SessionSpec, signal: AbortSignal): Promise<SwarmHome> {
    const target = homePath(spec);
    if (!hasHome(spec)) return { mount: { Type: 'volume', Target: target }, node: undefined };
    const name = homeName(spec);
    let record: ServiceObject | undefined;
    while ((record = await this.#services.find(name, signal)) === undefined) {
      await this.#refuseVolume(name, spec, signal);
      const node = this.#shared ? undefined : await nodeWithRoom(spec, this.#options, this.#services, signal);
      await this.#services.create(this.#record(spec, node), signal);
    }
    if (!isHomeOf(record.Spec, spec)) throw homeOfAnother(`Service ${name}`);
    const node = record.Spec.Labels[NODE_LABEL];
    const labels = { app: APP.home, agent: this.#options.agentId, ...ownerLabels(spec) };
    const driver = record.Spec.Labels[DRIVER_LABEL];
    const mount = {
      Type: 'volume',
      Source: name,
      Target: target,
      VolumeOptions: { Labels: labels, ...(driver !== undefined && { DriverConfig: JSON.parse(driver) as object }) },
    };
    return { mount, node };
  }

  /** As `ensure`, of a home whose session is to start now: throws `driver_failed` if its node runs no sessions. */
  async ready(spec: SessionSpec, signal: AbortSignal): Promise<SwarmHome> {
    const home = await this.ensure(spec, signal);
    if (home.node === undefined) return home;
    const nodes = await this.#services.nodes(signal);
    const trouble = troubleOf(nodes.find(({ ID }) => ID === home.node));
    if (trouble === undefined) return home;
    throw failed({ reason: tiedTo(nodeName(home.node, nodes), trouble), code: 'home_busy' });
  }

  /** Id of the node that the session's home ties it to; undefined: none. */
  async nodeOf(spec: SessionSpec, signal: AbortSignal): Promise<string | undefined> {
    if (!hasHome(spec)) return undefined;
    return (await this.#services.find(homeName(spec), signal))?.Spec.Labels[NODE_LABEL];
  }

  /**
   * Removes the home, if it is this owner's. `empty` removes the files of a home that is not a volume of this engine; its volume stays, empty.
   */
  async remove(spec: SessionSpec, empty: () => Promise<void>, signal: AbortSignal): Promise<void> {
    if (!hasHome(spec)) return;
    const name = homeName(spec);
    const record = await this.#services.find(name, signal);
    if (record === undefined || !isHomeOf(record.Spec, spec)) return;
    const node = record.Spec.Labels[NODE_LABEL];
    if (node === undefined || node !== (await this.#services.ownNode(signal))) await empty();
    await this.#removeVolume(name, signal);
    await this.#services.remove(record, signal);
  }

  #record(spec: SessionSpec, node: string | undefined): ServiceSpec {
    // it stays what it is when the settings change
    const place =
      node === undefined ? { [DRIVER_LABEL]: JSON.stringify(this.#driver(homeName(spec))) } : { [NODE_LABEL]: node };
    return {
      Name: homeName(spec),
      Labels: { app: APP.home, agent: this.#options.agentId, ...ownerLabels(spec), ...place },
      Mode: { Replicated: { Replicas: 0 } },
      TaskTemplate: NOTHING,
      EndpointSpec: { Mode: 'dnsrr' },
    };
  }

  #driver(home: string): object {
    const { sessionHomeDriver: Name, sessionHomeOptions = '' } = this.#options;
    const options = sessionHomeOptions.split(' ').filter((each) => each !== '');
    const pairs = options.map((each) => {
      const equals = each.indexOf('=');
      return [each.slice(0, equals), each.slice(equals + 1).replaceAll('{home}', home)];
    });
    return { Name, Options: Object.fromEntries(pairs) as object };
  }

  /** A volume of the name that this engine has, and that is somebody else's, would be mounted whatever labels were asked for. */
  async #refuseVolume(name: string, spec: SessionSpec, signal: AbortSignal): Promise<void> {
    try {
      const { Labels } = await this.#options.engine.json<Pick<ServiceSpec, 'Labels'>>(`/volumes/${name}`, {}, signal);
      if (!isHomeOf({ Labels: Labels ?? {} }, spec)) throw homeOfAnother(`Volume ${name}`);
    } catch (error) {
      if (!answered(error, 404)) throw error;
    }
  }

  /** The volume on this engine, if it has one. */
  async #removeVolume(name: string, signal: AbortSignal): Promise<void> {
    const { engine, clock } = this.#options;
    for (;;) {
      try {
        return await engine.json(`/volumes/${name}`, { method: 'DELETE' }, signal);
      } catch (error) {
        if (answered(error, 404)) return;
        // a node removes the containers of ended tasks in its own time
        if (!answered(error, 409)) throw error;
      }
      await sleep(clock, RETRY_MS, signal);
    }
  }
}

/** Why a session can't run, and what to do about it. */
export const tiedTo = (node: string, trouble: string): string =>
  `Its home is a volume of node ${node}, which ${trouble}: it can start again when that node is back (docker node ls)`;

const ownerLabels = ({ user, template }: SessionSpec) => ({
  user: labelValue(user),
  [USER_LABEL]: user,
  [TEMPLATE_LABEL]: template,
});

const isHomeOf = ({ Labels }: Pick<ServiceSpec, 'Labels'>, { user, template }: SessionSpec): boolean =>
  Labels['app'] === APP.home && Labels[USER_LABEL] === user && Labels[TEMPLATE_LABEL] === template;

const homeOfAnother = (what: string): StreamSpaceError =>
  new StreamSpaceError(
    'home_of_another',
    `${what} is not marked as the home of this user in this template, and is left alone: an operator may remove it, or give it the labels ` +
      `${USER_LABEL} and ${TEMPLATE_LABEL}`,
  );
