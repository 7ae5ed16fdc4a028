import type { Duplex } from 'node:stream';
import { type Clock, outcomeOf, withDeadline } from 'clock-port';
import { connectTcp } from '../../core/connect.ts';
import type { Engine } from '../engine/engine.ts';
import type { ContainerDetails } from '../objects/engine-objects.ts';
import { connectByExec } from './exec.ts';

/** An address that takes longer to answer can't be reached from here, milliseconds. */
const DIRECT_MS = 2_000;
/** What a VNC server says first. */
const GREETING = 'RFB ';

/**
 * Ways to the screens of an engine's containers: by their address where it can be reached (the agent is on the host, or in their network), otherwise
 * by a process in the container. Which one goes is found out once, with the first screen that answers.
 */
export class Screens {
  readonly #engine: Engine;
  readonly #clock: Clock;
  #byAddress: boolean | undefined;

  constructor(engine: Engine, clock: Clock, byAddress?: boolean) {
    this.#engine = engine;
    this.#clock = clock;
    this.#byAddress = byAddress;
  }

  /** A connection to the port, whether a VNC server speaks there or not yet. Rejects with what keeps it from being made. */
  async connect(container: ContainerDetails, port: number, signal: AbortSignal): Promise<Duplex> {
    const address = Object.values(container.NetworkSettings.Networks ?? {}).find(
      ({ IPAddress }) => IPAddress,
    )?.IPAddress;
    if (this.#byAddress !== false && address !== undefined) {
      try {
        const socket = await withDeadline(this.#clock, DIRECT_MS, 'screen', signal, (limit) =>
          connectTcp(address, port, limit),
        );
        this.#byAddress = true;
        return socket;
      } catch (error) {
        signal.throwIfAborted();
        // refused: the address is there, and nobody listens yet
        if (this.#byAddress === true || (error as NodeJS.ErrnoException).code === 'ECONNREFUSED') throw error;
      }
    }
    const relayed = await connectByExec(this.#engine, container.Id, port, signal);
    // nobody waits for it again
    if (address !== undefined) this.#byAddress = false;
    return relayed;
  }

  /** Whether a VNC server speaks on the port. */
  async speaks(container: ContainerDetails, port: number, signal: AbortSignal): Promise<boolean> {
    let screen: Duplex | undefined;
    try {
      screen = await this.connect(container, port, signal);
      return await greets(screen, signal);
    } catch (error) {
      signal.throwIfAborted();
      // nobody listens yet, or the container has just ended: whoever waits looks at it
      if (error instanceof Error) return false;
      throw error;
    } finally {
      screen?.destroy();
    }
  }
}

function greets(screen: Duplex, signal: AbortSignal): Promise<boolean> {
  return outcomeOf<boolean>(signal, (resolve) => {
    let said = '';
    screen.on('data', (chunk: Buffer) => {
      if (said.length >= GREETING.length) return;
      said += chunk.toString('latin1', 0, GREETING.length);
      if (said.length >= GREETING.length) resolve(said.startsWith(GREETING));
    });
    screen.on('error', () => resolve(false));
    screen.on('close', () => resolve(false));
    return () => undefined;
  });
}
