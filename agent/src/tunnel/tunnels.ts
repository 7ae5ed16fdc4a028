import type { Duplex } from 'node:stream';
import { type Clock, withDeadline } from 'clock-port';
import { asStreamSpaceError, type HubMessageOf, LIMITS, StreamSpaceError } from '@streamspace/protocol';
import type { Logger } from 'pino';
import type { Link } from '../link/link.ts';
import type { SessionDriver } from '../sessions/driver.ts';
import { Tunnel } from './tunnel.ts';

export interface TunnelOptions {
  readonly driver: SessionDriver;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds without a byte. */
  readonly idleTimeout: number;
  /** A screen whose viewer was too slow is read again when fewer bytes than this wait for the viewer. */
  readonly bufferSize: number;
  /** Hears when somebody types or moves the mouse in a session; undefined: no listener. */
  readonly idleness: { used(sessionId: string): void } | undefined;
  /** Counts the open tunnels. */
  readonly open: { inc(change: number): void };
}

interface Entry {
  readonly sessionId: string;
  /** Ends the tunnel, connected or not; tells the hub if `error` is given. */
  close(error: StreamSpaceError | undefined): void;
}

/** Longest wait for a session's screen, milliseconds. */
const CONNECT_TIMEOUT = 10_000;

/** The screens on one link. */
export class Tunnels {
  readonly #link: Link;
  readonly #options: TunnelOptions;
  readonly #entries = new Map<number, Entry>();

  constructor(link: Link, options: TunnelOptions) {
    this.#link = link;
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Called when the hub opens a stream [STR2]. Returns at once. */
  connect(message: HubMessageOf<'vnc_connect'>): void {
    const id = message.stream_id;
    if (this.#entries.has(id))
      return this.#link.disconnect(id, new StreamSpaceError('conflict', `stream ${id} is open already`));
    if (this.#entries.size >= LIMITS.streams) {
      return this.#link.disconnect(
        id,
        new StreamSpaceError('at_capacity', `${LIMITS.streams} screens are open through this agent; close one`),
      );
    }
    // settles by itself and never rejects
    void this.#open(message);
  }

  /** Called when the hub closes a stream. */
  disconnect(message: HubMessageOf<'vnc_disconnect'>): void {
    this.#link.mux.disconnected(message.stream_id);
    this.#entries.get(message.stream_id)?.close(undefined);
  }

  /** Closes the screens of a session that stops. */
  closeSession(sessionId: string, error: StreamSpaceError): void {
    for (const entry of this.#entries.values()) if (entry.sessionId === sessionId) entry.close(error);
  }

  /** Called when the link is over. */
  closeAll(): void {
    for (const entry of this.#entries.values()) entry.close(undefined);
  }

  async #open(message: HubMessageOf<'vnc_connect'>): Promise<void> {
    const { driver, clock, log, idleTimeout, bufferSize, idleness, open } = this.#options;
    const { stream_id: id, session_id: sessionId } = message;
    const connecting = new AbortController();
    const entry: Entry = {
      sessionId,
      close: (error) => {
        this.#entries.delete(id);
        connecting.abort(error ?? new StreamSpaceError('going_away', 'The viewer left'));
        if (error !== undefined) this.#link.disconnect(id, error);
      },
    };
    this.#entries.set(id, entry);
    let screen: Duplex | undefined;
    try {
      await withDeadline(clock, CONNECT_TIMEOUT, 'screen', connecting.signal, async (signal) => {
        screen = await driver.connect(sessionId, signal);
        // too late: the viewer has gone
        if (signal.aborted) discard(screen);
      });
    } catch (thrown) {
      discard(screen);
      if (this.#entries.get(id) === entry) entry.close(asStreamSpaceError(thrown, 'screen_unreachable'));
      return;
    }
    if (screen === undefined || connecting.signal.aborted || !this.#link.open) return discard(screen);

    open.inc(1);
    const onOver = (error: StreamSpaceError | undefined) => {
      if (this.#entries.get(id) === entry) this.#entries.delete(id);
      open.inc(-1);
      log.debug({ stream_id: id, session_id: sessionId, code: error?.code }, 'Screen closed');
      if (error !== undefined) this.#link.disconnect(id, error);
    };
    const tunnel = new Tunnel(screen, clock, idleTimeout, onOver, idleness && (() => idleness.used(sessionId)));
    entry.close = (error) => tunnel.close(error);
    try {
      const stream = this.#link.mux.open(id, message.credit, tunnel.handler, bufferSize);
      this.#link.tell({ type: 'vnc_connected', stream_id: id, credit: LIMITS.initialCredit });
      tunnel.start(stream);
    } catch (thrown) {
      tunnel.close(asStreamSpaceError(thrown));
    }
  }
}

function discard(screen: Duplex | undefined): void {
  screen?.on('error', () => undefined).destroy();
}
