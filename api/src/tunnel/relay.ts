import type { IncomingMessage } from 'node:http';
import { errorOfClose, Pulse, StreamSpaceError } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import { WebSocket } from 'ws';
import type { LinkMetrics } from '../agents/link/metrics.ts';
import { peerRefusal, unreachable } from '../peers/client.ts';
import { answerPing } from './ping.ts';
import { Presence } from './presence.ts';
import { notBinary, Viewer } from './viewer.ts';

const BINARY = { binary: true, compress: false };
/** With more than `HIGH` bytes waiting for one end, the other is not read; it is read again at `LOW`. */
const HIGH = 128 * 1024;
const LOW = 32 * 1024;
/** Most bytes read of a refusal. */
const MAX_ANSWER = 4_096;

export interface RelayOptions {
  readonly clock: Clock;
  readonly metrics: LinkMetrics;
  readonly agent: string;
  /** Address of the replica that holds the agent. */
  readonly hub: string;
  /** Milliseconds for the other replica to accept the connection. */
  readonly openMs: number;
  /** Called once, when the viewer has gone or is being closed. */
  closed(): void;
}

/**
 * A viewer here whose agent is at another replica: bytes both ways over a WebSocket to that replica. Each end is read only as fast as the other
 * takes the bytes, so a frozen viewer costs the agent's replica no more than its credit [STR4].
 */
export class Relay {
  readonly #viewer: WebSocket;
  readonly #peer: WebSocket;
  readonly #options: RelayOptions;
  readonly #presence: Presence;
  /** Signs of life of the other replica. */
  readonly #pulse: Pulse;
  #over = false;

  constructor(viewer: WebSocket, peer: WebSocket, options: RelayOptions) {
    this.#viewer = viewer;
    this.#peer = peer;
    this.#options = options;
    const { clock, metrics, hub } = options;
    const began = clock.monotonic();
    this.#pulse = new Pulse(clock);
    this.#presence = new Presence(viewer, clock);
    const patience = clock.setTimeout(() => this.close(unreachable(hub, undefined)), options.openMs);
    // there is nowhere to send its bytes yet
    viewer.pause();

    peer.on('open', () => {
      patience.cancel();
      this.#pulse.heard();
      metrics.peerDial.observe((clock.monotonic() - began) / 1_000);
      metrics.viewers.inc({ outcome: 'relayed' });
      viewer.resume();
    });
    peer.on('message', (data, isBinary) => {
      this.#pulse.heard();
      // a message about the steering viewer [VIEW6]
      if (!isBinary) return viewer.readyState === WebSocket.OPEN ? viewer.send(data, { binary: false }) : undefined;
      metrics.bytesFromPeers += (data as Buffer).length;
      metrics.bytesToViewers += (data as Buffer).length;
      this.#pass(data as Buffer, peer, viewer);
    });
    viewer.on('message', (data, isBinary) => {
      this.#presence.heard();
      if (!isBinary) {
        if (answerPing(viewer, data as Buffer)) return;
        if (/^steer (yes|no)$/.test((data as Buffer).toString('latin1', 0, 16)) && peer.readyState === WebSocket.OPEN)
          return peer.send(data, { binary: false });
        this.close(notBinary());
        return;
      }
      metrics.bytesFromViewers += (data as Buffer).length;
      metrics.bytesToPeers += (data as Buffer).length;
      this.#pass(data as Buffer, viewer, peer);
    });
    for (const sign of ['ping', 'pong'] as const) peer.on(sign, () => this.#pulse.heard());
    peer.on('unexpected-response', (_request, response: IncomingMessage) => void this.#refused(response));
    // each error is followed by a close
    peer.on('error', () => {});
    viewer.on('error', () => {});
    peer.on('close', (code, reason) => {
      patience.cancel();
      if (code === 1000) return this.close(undefined);
      const known = errorOfClose(code);
      this.close(known === undefined ? unreachable(hub, undefined) : new StreamSpaceError(known, reason.toString()));
    });
    viewer.on('close', () => this.#finish());
  }

  /** The replica that has not accepted the connection yet; undefined once it has. */
  get waitsFor(): string | undefined {
    return this.#peer.readyState === WebSocket.CONNECTING ? this.#options.hub : undefined;
  }

  get agent(): string {
    return this.#options.agent;
  }

  /** Closes the viewer's socket with the error's code, or normally (1000). */
  close(error: StreamSpaceError | undefined): void {
    if (this.#over) return;
    this.#finish();
    Viewer.refuse(this.#viewer, this.#options.clock, error);
  }

  /** Pings the viewer when it is time. */
  check(): void {
    this.#presence.check();
  }

  /** Pings the other replica at least every `pingMs`, and gives up after a silence of two such intervals. */
  checkPeer(pingMs: number): void {
    if (this.#peer.readyState !== WebSocket.OPEN) return;
    // signs of life can't arrive while the connection is not read
    if (this.#peer.isPaused) this.#pulse.heard();
    if (this.#pulse.isLost(2 * pingMs)) return this.close(unreachable(this.#options.hub, undefined));
    if (!this.#pulse.isDue(0.75 * pingMs)) return;
    this.#pulse.asked();
    this.#peer.ping();
  }

  #pass(data: Buffer, from: WebSocket, to: WebSocket): void {
    if (to.readyState !== WebSocket.OPEN) return;
    to.send(data, BINARY, () => {
      if (from.isPaused && to.bufferedAmount <= LOW && !this.#over) from.resume();
    });
    if (to.bufferedAmount > HIGH) from.pause();
  }

  async #refused(response: IncomingMessage): Promise<void> {
    let text = '';
    try {
      for await (const chunk of response) if (text.length < MAX_ANSWER) text += String(chunk);
      this.close(peerRefusal(response.statusCode ?? 0, JSON.parse(text)));
    } catch {
      this.close(peerRefusal(response.statusCode ?? 0, undefined));
    }
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    // its remaining bytes have no receiver
    this.#peer.terminate();
    this.#options.closed();
  }
}
