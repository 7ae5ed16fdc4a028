import { type Clock, whenAborted } from 'clock-port';
import { asStreamSpaceError, StreamSpaceError } from '../errors.ts';
import type { HubMessage, AgentMessage } from '../messages.ts';
import type { Codec } from './codec.ts';
import { type FrameSink, StreamMux } from './mux.ts';
import { Pulse } from './pulse.ts';
import { closeSocket, type LinkSocket, socketGone } from './socket.ts';

export interface LinkEndOptions<Out, In> {
  /** An open socket. */
  readonly socket: LinkSocket;
  readonly clock: Clock;
  readonly writes: Codec<Out>;
  readonly reads: Codec<In>;
  /** The other end, in errors: `the hub`. */
  readonly otherEnd: string;
  /** Unsent bytes at which the other end is taken for one that does not read any more. Screens stop far below it: they wait in their streams. */
  readonly maxUnsent: number;
  /** Milliseconds from this end's close to the end of the socket, if the other end does not answer. */
  readonly closeMs: number;
}

const TEXT = { binary: false, compress: false } as const;
const BINARY = { binary: true, compress: false } as const;

/**
 * One end of a link: control messages and streams over one WebSocket. A link is either open or over [WIRE5]: a failed write, a malformed frame,
 * or another end that does not read ends the whole link, once, with the reason. The subclasses of agent and hub add their differences.
 */
export abstract class LinkEnd<Out extends AgentMessage | HubMessage, In> implements FrameSink {
  readonly mux: StreamMux;
  /** Signs of life: all received data. */
  readonly pulse: Pulse;
  /** Resolves with the reason when the link is over; never rejects. */
  readonly ended: Promise<StreamSpaceError>;
  /** Resolves when the socket is gone too: at most `closeMs` later. */
  readonly closed: Promise<void>;

  readonly #options: LinkEndOptions<Out, In>;
  readonly #socket: LinkSocket;
  readonly #over = new AbortController();
  /** The signal's state, copied for the read loop: reading it from the signal is slow. */
  #open = true;
  #resolveEnded!: (error: StreamSpaceError) => void;
  #resolveClosed!: () => void;

  constructor(options: LinkEndOptions<Out, In>) {
    this.#options = options;
    const { socket, clock } = options;
    this.#socket = socket;
    this.pulse = new Pulse(clock);
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.mux = new StreamMux(this, (streamId, error) => this.disconnect(streamId, error));
    socket.on('message', (data, isBinary) => this.#received(data, isBinary));
    socket.on('error', (error) => this.#broken(error));
    socket.on('close', (code, reason) => this.#finish(this.closedWith(code, reason.toString()), () => undefined));
  }

  /** Handles one message that matches its schema. Runs in the read loop: returns at once; an error that it throws ends the link. */
  protected abstract onMessage(message: In, bytes: number): void;
  /** Called when a message of this end was not sent because it does not match its schema. */
  protected abstract onUnsendable(message: Out, error: StreamSpaceError): void;
  /** The reason for the end of a link that the other end closed. */
  protected abstract closedWith(code: number, reason: string): StreamSpaceError;
  /** The reason for the end of a link whose connection broke. */
  protected abstract brokenBy(error: Error): StreamSpaceError;
  /** Called once, when the link is over: from now on nothing is read or sent. The streams end with it. */
  protected onEnd(error: StreamSpaceError): void {
    this.mux.destroy(error);
  }

  protected onText(text: Buffer): void {
    this.onMessage(this.#options.reads.decode(text.toString()), text.length);
  }

  protected onFrame(frame: Buffer): void {
    this.mux.receive(frame);
  }

  get open(): boolean {
    return this.#open;
  }

  /** Aborts when the link is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get buffered(): number {
    return this.#socket.bufferedAmount;
  }

  /** Queues a message. False: it was not sent. Never throws: a failed write ends the link. */
  tell(message: Out): boolean {
    if (!this.open) return false;
    let frame: string;
    try {
      frame = this.#options.writes.encode(message);
    } catch (error) {
      this.onUnsendable(message, asStreamSpaceError(error));
      return false;
    }
    const { maxUnsent, otherEnd } = this.#options;
    if (this.buffered > maxUnsent) {
      this.cut(new StreamSpaceError('heartbeat_lost', `${otherEnd} does not read: ${maxUnsent} bytes wait for it`));
      return false;
    }
    this.#socket.send(frame, TEXT, this.#written);
    return true;
  }

  /** Sends a frame of a stream; the mux calls it. */
  send(frame: Buffer, flushed?: () => void): void {
    this.#socket.send(
      frame,
      BINARY,
      flushed === undefined
        ? this.#written
        : (error) => {
            flushed();
            this.#written(error);
          },
    );
  }

  /** Tells the other end that a stream is over. */
  disconnect(streamId: number, error?: StreamSpaceError): void {
    const message = { type: 'vnc_disconnect', stream_id: streamId, ...(error && { error: error.toJSON() }) } as const;
    // the messages of both ends include this one
    this.tell(message as unknown as Out);
  }

  ping(): void {
    this.pulse.asked();
    if (this.open) this.#socket.ping(undefined, undefined, this.#written);
  }

  /** Whether the other end answers a ping within `ms`. */
  probe(ms: number): Promise<boolean> {
    if (!this.open) return Promise.resolve(false);
    return new Promise((resolve) => {
      const done = (answer: boolean) => {
        timer.cancel();
        this.#socket.off('pong', onPong);
        forget();
        resolve(answer);
      };
      const onPong = () => done(true);
      const onOver = () => done(false);
      const timer = this.#options.clock.setTimeout(onOver, ms);
      this.#socket.on('pong', onPong);
      const forget = whenAborted(this.signal, onOver);
      this.ping();
    });
  }

  /** Sends the reason and closes; earlier messages still go out. */
  end(error: StreamSpaceError, code: number = error.close): void {
    const { clock, closeMs } = this.#options;
    this.#finish(error, () => closeSocket(this.#socket, clock, { code, reason: error.message, withinMs: closeMs }));
  }

  /** Closes without a message: the other end no longer listens. */
  cut(error: StreamSpaceError): void {
    this.#finish(error, () => {
      const gone = this.#gone();
      this.#socket.terminate();
      return gone;
    });
  }

  readonly #written = (error?: Error | null): void => {
    if (error) this.#broken(error);
  };

  #received(data: Buffer, isBinary: boolean): void {
    if (!this.open) return;
    this.pulse.heard();
    try {
      if (isBinary) this.onFrame(data);
      else this.onText(data);
    } catch (error) {
      this.end(asStreamSpaceError(error));
    }
  }

  #broken(error: Error): void {
    if (!this.open) return;
    const code = String((error as { code?: unknown }).code);
    // after a failed write the socket may still read: so the link ends as a whole
    if (!code.startsWith('WS_ERR')) return this.cut(this.brokenBy(error));
    const tooLarge = code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    const reason = tooLarge ? new StreamSpaceError('message_too_large', error.message) : this.brokenBy(error);
    // after a malformed frame (too large, broken UTF-8) ws closes the socket itself, with the right code
    this.#finish(reason, () => this.#gone());
  }

  #gone(): Promise<void> {
    return socketGone(this.#socket, this.#options.clock, this.#options.closeMs);
  }

  #finish(error: StreamSpaceError, close: () => Promise<void> | undefined): void {
    if (!this.open) return;
    this.#open = false;
    this.#over.abort(error);
    void Promise.resolve(close()).then(this.#resolveClosed);
    this.onEnd(error);
    this.#resolveEnded(error);
  }
}
