import type { Clock, Timer } from 'clock-port';
import {
  agentCodec,
  type AgentMessage,
  type AgentMessageOf,
  asStreamSpaceError,
  errorOfClose,
  hubCodec,
  type HubMessage,
  type HubMessageOf,
  StreamMux,
  StreamSpaceError,
} from '@streamspace/protocol';
import type { RawData, WebSocket } from 'ws';

/** Who listens on a link. Its callbacks run in the read loop: they return at once and do not throw. */
export interface LinkListener {
  onMessage(message: HubMessage): void;
  /** A heartbeat is due: what it says besides its number. */
  beat(): Omit<AgentMessageOf<'heartbeat'>, 'type' | 'seq'>;
  /** The hub answered a heartbeat. */
  onBeatAnswered(): void;
}

/** Unsent bytes at which the hub is taken for one that does not read any more. Screens stop far below it: they wait in their streams. */
const MAX_UNSENT = 8 * 1024 * 1024;
/** Silent heartbeat intervals after which the link is over [WIRE5]. */
const MISSED_BEATS = 3;
/** What a peer that does not answer the closing handshake is given. Milliseconds. */
const CLOSE_TIMEOUT = 1_000;
const FRAME = { binary: true, compress: false } as const;

/**
 * One welcome connection to a hub. It ends as a whole, once, with the reason: whatever goes wrong in reading or writing ends it [WIRE5].
 */
export class Link {
  readonly welcome: HubMessageOf<'welcome'>;
  readonly mux: StreamMux;
  /** Resolves with the reason when the link is over; never rejects. */
  readonly ended: Promise<StreamSpaceError>;
  /** Resolves when its socket is gone too: at most a second later. */
  readonly closed: Promise<void>;

  readonly #ws: WebSocket;
  readonly #clock: Clock;
  readonly #interval: number;
  #listener: LinkListener | undefined;
  /** Frames that came between the welcome and {@link run}. */
  #early: [RawData, boolean][] = [];
  #timer: Timer | undefined;
  #seq = 0;
  #answeredAt: number;
  /** When anything at all came from the hub, monotonic milliseconds. */
  #heardAt: number;
  #watch: Timer | undefined;
  #error: StreamSpaceError | undefined;
  #resolve!: (error: StreamSpaceError) => void;
  #resolveClosed!: () => void;

  /** `ws`: open and past its `welcome`. `heartbeatInterval`: this end's own longest one, milliseconds. */
  constructor(ws: WebSocket, welcome: HubMessageOf<'welcome'>, clock: Clock, heartbeatInterval: number) {
    this.#ws = ws;
    this.#clock = clock;
    this.welcome = welcome;
    this.#interval = Math.min(welcome.heartbeat_ms, heartbeatInterval);
    this.#answeredAt = this.#heardAt = clock.monotonic();
    this.ended = new Promise((resolve) => (this.#resolve = resolve));
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    const sink = {
      send: (frame: Buffer, flushed?: () => void) =>
        ws.send(
          frame,
          FRAME,
          flushed === undefined
            ? this.#sent
            : (error) => {
                flushed();
                this.#sent(error);
              },
        ),
      get buffered() {
        return ws.bufferedAmount;
      },
    };
    this.mux = new StreamMux(sink, (streamId, error) =>
      this.send({ type: 'vnc_disconnect', stream_id: streamId, error: error.toJSON() }),
    );
    ws.on('message', this.#onFrame);
    ws.on('ping', () => (this.#heardAt = clock.monotonic()));
    ws.on('close', (code, reason) => {
      const text = reason.toString();
      this.#end(
        new StreamSpaceError(
          errorOfClose(code) ?? 'heartbeat_lost',
          `The hub closed the connection (${code}${text === '' ? '' : `: ${text}`})`,
        ),
      );
    });
    ws.on('error', (error) => this.#end(asStreamSpaceError(error)));
  }

  get isOver(): boolean {
    return this.#error !== undefined;
  }

  /** Starts to listen and to send heartbeats. */
  run(listener: LinkListener): void {
    this.#listener = listener;
    for (const [data, isBinary] of this.#early.splice(0)) this.#onFrame(data, isBinary);
    this.#schedule();
    if (this.welcome.ping_ms !== undefined) this.#watchPings(this.welcome.ping_ms, false);
  }

  /** Queues a message. Never throws: a link that can't send is over, and says so by {@link ended}. */
  send(message: AgentMessage): void {
    if (this.isOver) return;
    let frame: string;
    try {
      frame = agentCodec.encode(message);
    } catch (error) {
      return this.#end(asStreamSpaceError(error), 1011);
    }
    if (this.#ws.bufferedAmount > MAX_UNSENT) {
      return this.#end(
        new StreamSpaceError('heartbeat_lost', `The hub does not read: ${MAX_UNSENT} bytes are waiting for it`),
      );
    }
    this.#ws.send(frame, this.#sent);
  }

  /** A heartbeat now; the following ones come at their times. */
  beat(): void {
    if (this.isOver || this.#listener === undefined) return;
    this.send({ type: 'heartbeat', seq: this.#seq++, ...this.#listener.beat() });
  }

  /** Ends it in an orderly way, e.g. after a `goodbye`. What was sent before still goes out. */
  close(error: StreamSpaceError, code = 1000): void {
    this.#end(error, code);
  }

  readonly #onFrame = (data: RawData, isBinary: boolean): void => {
    if (this.isOver) return;
    this.#heardAt = this.#clock.monotonic();
    if (this.#listener === undefined) {
      this.#early.push([data, isBinary]);
      return;
    }
    try {
      // ws hands over one Buffer, as its binaryType is "nodebuffer"
      if (isBinary) return this.mux.receive(data as Buffer);
      const message = hubCodec.decode((data as Buffer).toString());
      if (message.type !== 'heartbeat_ack') return this.#listener.onMessage(message);
      // an answer to something that was never said is no sign of life
      if (message.seq >= this.#seq) return;
      this.#answeredAt = this.#clock.monotonic();
      this.#listener.onBeatAnswered();
    } catch (error) {
      const known = asStreamSpaceError(error);
      this.#end(known, known.close);
    }
  };

  readonly #sent = (error?: Error | null): void => {
    if (error) this.#end(asStreamSpaceError(error));
  };

  /**
   * Ends the link when nothing came for two of the hub's pings [WIRE6]. Seen twice, as what came may still wait to be read by a process
   * that was held up itself.
   */
  #watchPings(pingMs: number, silent: boolean): void {
    if (this.isOver) return;
    this.#watch = this.#clock.setTimeout(() => {
      const since = this.#clock.monotonic() - this.#heardAt;
      if (since > 2 * pingMs && silent)
        return this.#end(new StreamSpaceError('heartbeat_lost', `The hub said nothing for ${Math.round(since)} ms`));
      this.#watchPings(pingMs, since > 2 * pingMs);
    }, pingMs / 4);
  }

  #schedule(): void {
    if (this.isOver) return;
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#clock.monotonic() - this.#answeredAt > MISSED_BEATS * this.#interval) {
        return this.#end(
          new StreamSpaceError(
            'heartbeat_lost',
            `The hub answered no heartbeat for ${MISSED_BEATS * this.#interval} ms`,
          ),
        );
      }
      this.beat();
      if (!this.isOver) this.#ws.ping(undefined, undefined, this.#sent);
      this.#schedule();
    }, this.#interval);
  }

  /** `code`: close in an orderly way with it; absent: there is nobody left to talk to. */
  #end(error: StreamSpaceError, code?: number): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#timer?.cancel();
    this.#watch?.cancel();
    this.#early = [];
    this.mux.destroy(error);
    void closeSocket(this.#ws, this.#clock, code, error.message).then(this.#resolveClosed);
    this.#resolve(error);
  }
}

/** Closes a WebSocket; resolves when nothing of it is left, within a second. `code` absent: without the closing handshake. */
export function closeSocket(ws: WebSocket, clock: Clock, code: number | undefined, reason: string): Promise<void> {
  if (ws.readyState === ws.CLOSED) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => ws.terminate(), CLOSE_TIMEOUT);
    ws.once('close', () => {
      timer.cancel();
      resolve();
    });
    if (code === undefined || ws.readyState !== ws.OPEN) return ws.terminate();
    // cut to what a close frame can carry, and not within a character
    const text = Buffer.from(reason)
      .subarray(0, 120)
      .toString()
      .replace(/\uFFFD+$/, '');
    ws.close(code, text);
  });
}
