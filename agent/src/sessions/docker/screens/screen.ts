import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, outcomeOf, pause, scope, withDeadline } from 'clock-port';
import { connectTcp } from '../../core/connect.ts';
import type { Engine } from '../engine/engine.ts';
import type { ContainerDetails } from '../objects/engine-objects.ts';
import { connectByExec } from './exec.ts';

/** An address that takes longer to answer can't be reached from here, milliseconds. */
const DIRECT_MS = 2_000;
/** While nothing is known about addresses, a screen waits so long for its address before it is opened by the other way too, milliseconds. */
const PATIENCE_MS = 400;
/** What a VNC server says first. */
const GREETING = 'RFB ';

/** What is known of a container whose screen is to be reached. */
export type Reached = Pick<ContainerDetails, 'Id' | 'NetworkSettings'>;

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

  /** Whether screens are reached by their addresses; undefined: not known yet. */
  get byAddress(): boolean | undefined {
    return this.#byAddress;
  }

  /** A connection to the port, whether a VNC server speaks there or not yet. Rejects with what keeps it from being made. */
  async connect(container: Reached, port: number, signal: AbortSignal): Promise<Duplex> {
    const address = Object.values(container.NetworkSettings.Networks ?? {}).find(
      ({ IPAddress }) => IPAddress,
    )?.IPAddress;
    if (address === undefined || this.#byAddress === false)
      return connectByExec(this.#engine, container.Id, port, signal);
    const direct = withDeadline(this.#clock, DIRECT_MS, 'screen', signal, (limit) => connectTcp(address, port, limit));
    if (this.#byAddress === true) return direct;
    const answer = await this.#within(PATIENCE_MS, direct, signal);
    if (answer === undefined) this.#learn(direct, signal);
    else if ('socket' in answer) {
      this.#byAddress = true;
      return answer.socket;
    } else if (isRefused(answer.error)) throw answer.error;
    const relayed = await connectByExec(this.#engine, container.Id, port, signal);
    if (answer !== undefined) this.#byAddress = false;
    return relayed;
  }

  /** What came of it, if that is known so soon. Throws the signal's reason. */
  async #within(
    ms: number,
    direct: Promise<Socket>,
    signal: AbortSignal,
  ): Promise<{ socket: Socket } | { error: unknown } | undefined> {
    const patience = scope(signal);
    const answered = direct.then(
      (socket) => ({ socket }),
      (error: unknown) => ({ error }),
    );
    const answer = await Promise.race([answered, pause(this.#clock, ms, patience.signal).then(() => undefined)]);
    patience.end();
    signal.throwIfAborted();
    return answer;
  }

  /** Somebody is served by the other way already: this one says which way the next ones go. */
  #learn(direct: Promise<Socket>, signal: AbortSignal): void {
    direct.then(
      (socket) => {
        socket.destroy();
        this.#byAddress ??= true;
      },
      (error: unknown) => {
        if (!signal.aborted) this.#byAddress ??= isRefused(error);
      },
    );
  }

  /** Whether a VNC server speaks on the port. */
  async speaks(container: Reached, port: number, signal: AbortSignal): Promise<boolean> {
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

/** The address is there, and nobody listens yet. */
const isRefused = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';

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
