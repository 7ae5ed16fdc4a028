import type { Duplex } from 'node:stream';
import { answered } from '../engine/error.ts';
import type { Reached, Screens } from '../screens/screen.ts';
import type { TaskObject } from './objects/swarm-objects.ts';
import type { SwarmDriverOptions } from './options.ts';
import type { Services } from './services.ts';

/** Ways to the screens of a swarm's tasks: by their address if the agent is in their network, otherwise, on the agent's own node, by a process in the container. */
export class SwarmScreens {
  readonly #network: string;
  readonly #screens: Screens;

  constructor({ sessionNetwork }: Pick<SwarmDriverOptions, 'sessionNetwork'>, screens: Screens) {
    this.#network = sessionNetwork;
    this.#screens = screens;
  }

  /** A connection to the port, whether a VNC server speaks there or not yet. */
  async connect(task: TaskObject, port: number, signal: AbortSignal): Promise<Duplex> {
    try {
      return await this.#screens.connect(this.#reached(task), port, signal);
    } catch (error) {
      // another engine has it
      if (answered(error, 404)) throw new Error(this.#remedy(), { cause: error });
      throw error;
    }
  }

  /** Whether a VNC server speaks on the port. */
  speaks(task: TaskObject, port: number, signal: AbortSignal): Promise<boolean> {
    return this.#screens.speaks(this.#reached(task), port, signal);
  }

  /** Why the screen can't be reached however long it takes; undefined: it can, or that is not known. */
  async outOfReach(task: TaskObject, services: Services, signal: AbortSignal): Promise<string | undefined> {
    if (task.NodeID === (await services.ownNode(signal)) || this.#screens.byAddress === true) return undefined;
    return `it runs on another node than the agent, which can’t reach its screen there: ${this.#remedy()}`;
  }

  #remedy(): string {
    return `run the agent as a service in the network of the sessions (${this.#network})`;
  }

  #reached({ NetworksAttachments, Status }: TaskObject): Reached {
    const own = NetworksAttachments?.find(({ Network }) => [Network.Spec.Name, Network.ID].includes(this.#network));
    const IPAddress = own?.Addresses?.[0]?.split('/')[0];
    const Networks = IPAddress === undefined ? {} : { [this.#network]: { IPAddress } };
    return { Id: Status.ContainerStatus?.ContainerID ?? 'none', NetworkSettings: { Networks } };
  }
}
