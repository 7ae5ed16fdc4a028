import { StreamSpaceError } from '../errors.ts';
import { blockedFrame, creditFrame, dataFrame, decodeFrame, endFrame } from './frames.ts';
import { LIMITS } from '../limits.ts';
import { type StreamHandler, StreamState } from './stream.ts';

/** The socket below a mux. */
export interface FrameSink {
  /** Sends one binary frame. Calls `flushed` when the frame has left this process (or the socket is gone). */
  send(frame: Buffer, flushed?: () => void): void;
  /** Bytes accepted and not yet flushed, control messages included. */
  readonly buffered: number;
}

/** One end of a stream. */
export interface MuxStream {
  readonly id: number;
  /** Queues bytes, in order. False: the queue is full, so wait for `onDrain` (nothing was dropped). The buffer must not change afterwards. */
  write(data: Buffer): boolean;
  /** No more writes; the other end sees the end after everything written. */
  end(): void;
  /** Ends both directions at once and forgets what is queued. The other end is told by the caller, with a control message. */
  reset(error?: Error): void;
  /** The credit that the other end granted when it accepted the stream, where that came after `open`. */
  grant(credit: number): void;
}

/** Bytes of data in one frame: large frames for a stream that uses the link alone … */
const FRAME_ALONE = LIMITS.dataFrame;
/** … and small ones where several streams take turns, so that each of 50 busy streams gets its turn within a millisecond or two. */
const FRAME_SHARED = 16 * 1024;
/** With this many bytes in the socket, further data waits in the streams' own queues, so that control messages overtake it [STR6]. */
const SOCKET_HIGH_WATER = 128 * 1024;

/**
 * Many streams over one link: credit per stream, round robin, nothing dropped, nothing unbounded. Both ends use it. It never awaits and never
 * throws into the read loop: a fault of a stream ends only that stream.
 */
export class StreamMux {
  readonly #sink: FrameSink;
  readonly #streams = new Map<number, StreamState>();
  #ring: StreamState[] = [];
  #pumping = false;
  #waitingForFlush = false;
  readonly #onViolation: (streamId: number, error: StreamSpaceError) => void;

  /** `onViolation`: a stream was reset because the other end broke a rule; tell the other end with `vnc_disconnect`. */
  constructor(sink: FrameSink, onViolation: (streamId: number, error: StreamSpaceError) => void) {
    this.#sink = sink;
    this.#onViolation = onViolation;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Bytes waiting in all streams' queues. */
  get queued(): number {
    let sum = 0;
    for (const stream of this.#streams.values()) sum += stream.queued;
    return sum;
  }

  /**
   * Opens this end. `sendCredit`: what the other end granted (0 when it has not answered yet: see {@link MuxStream.grant}).
   * This end grants {@link LIMITS.initialCredit}. `lowWater`: queued bytes below which `onDrain` comes, after a `write` that said to stop. Throws `conflict` for an id in use and `at_capacity` beyond {@link LIMITS.streams}.
   */
  open(
    id: number,
    sendCredit: number,
    handler: StreamHandler,
    lowWater: number = StreamState.highWater / 2,
  ): MuxStream {
    if (this.#streams.has(id)) throw new StreamSpaceError('conflict', `stream ${id} is open already`);
    if (this.#streams.size >= LIMITS.streams)
      throw new StreamSpaceError('at_capacity', `${LIMITS.streams} screens are open through this agent; close one`);
    const stream = new StreamState(id, handler, sendCredit, LIMITS.initialCredit, lowWater);
    this.#streams.set(id, stream);
    return {
      id,
      write: (data) => this.#write(stream, data),
      end: () => {
        if (stream.ending || !this.#streams.has(id)) return;
        stream.ending = true;
        this.#schedule(stream);
      },
      reset: (error) => this.#close(stream, error ?? new StreamSpaceError('stream_unknown', 'the stream was closed')),
      grant: (credit) => this.#grant(stream, credit),
    };
  }

  has(id: number): boolean {
    return this.#streams.has(id);
  }

  /** One binary frame from the other end. Throws only for a frame that is no frame (`malformed_frame`, `message_too_large`): end the link then. */
  receive(bytes: Buffer): void {
    const frame = decodeFrame(bytes);
    const stream = this.#streams.get(frame.streamId);
    // Frames of a stream that this end has reset may still be on their way [STR7].
    if (stream === undefined) return;
    switch (frame.kind) {
      case 'credit':
        return this.#grant(stream, frame.credit);
      case 'data': {
        const length = frame.data.length;
        if (stream.endReceived)
          return this.#violation(stream, new StreamSpaceError('malformed_frame', 'data after the end of the stream'));
        if (!stream.received(length))
          return this.#violation(stream, new StreamSpaceError('credit_exceeded', 'more data than credit'));
        let done = false;
        stream.handler.onData(frame.data, () => {
          if (done) return;
          done = true;
          this.#consumed(stream, length);
        });
        return;
      }
      case 'blocked': {
        const grant = stream.peerBlocked();
        if (grant > 0) this.#sink.send(creditFrame(stream.id, grant));
        return;
      }
      case 'end':
        if (stream.endReceived) return;
        stream.endReceived = true;
        stream.handler.onEnd();
        return this.#closeWhenOver(stream);
    }
  }

  /** The other end's `vnc_disconnect`. */
  disconnected(id: number, error?: Error): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined)
      this.#close(stream, error ?? new StreamSpaceError('screen_unreachable', 'the other side closed the stream'));
  }

  /** The link is gone: every stream ends with `error`. */
  destroy(error: Error): void {
    for (const stream of this.#streams.values()) this.#close(stream, error);
  }

  #write(stream: StreamState, data: Buffer): boolean {
    if (stream.ending || !this.#streams.has(stream.id)) return true;
    if (data.length > 0) {
      stream.queue.push(data);
      stream.queued += data.length;
      this.#schedule(stream);
    }
    if (stream.queued < StreamState.highWater) return true;
    stream.wantsDrain = true;
    return false;
  }

  #grant(stream: StreamState, credit: number): void {
    stream.sendCredit = Math.min(stream.sendCredit + credit, 0xffffffff);
    stream.blockedSent = false;
    this.#schedule(stream);
  }

  #consumed(stream: StreamState, length: number): void {
    if (!this.#streams.has(stream.id)) return;
    const grant = stream.consumed(length);
    if (grant > 0 && !stream.endReceived) this.#sink.send(creditFrame(stream.id, grant));
  }

  #schedule(stream: StreamState): void {
    if (!stream.scheduled && stream.sendable && this.#streams.has(stream.id)) {
      stream.scheduled = true;
      this.#ring.push(stream);
    }
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping || this.#waitingForFlush) return;
    this.#pumping = true;
    while (this.#ring.length > 0) {
      const stream = this.#ring.shift()!;
      stream.scheduled = false;
      if (!this.#streams.has(stream.id) || !stream.sendable) continue;
      // A full socket gets one more frame: its flush continues the sending.
      this.#waitingForFlush = this.#sink.buffered >= SOCKET_HIGH_WATER;
      const flushed = this.#waitingForFlush ? this.#onFlushed : undefined;
      if (stream.queued > 0)
        this.#sink.send(
          dataFrame(stream.id, stream.take(this.#ring.length === 0 ? FRAME_ALONE : FRAME_SHARED)),
          flushed,
        );
      else {
        stream.endSent = true;
        this.#sink.send(endFrame(stream.id), flushed);
      }
      if (stream.sendable) {
        stream.scheduled = true;
        this.#ring.push(stream);
      } else if (stream.queued > 0 && !stream.blockedSent) {
        stream.blockedSent = true;
        this.#sink.send(blockedFrame(stream.id));
      }
      if (stream.wantsDrain && stream.queued < stream.lowWater) {
        stream.wantsDrain = false;
        stream.handler.onDrain();
      }
      if (stream.endSent) this.#closeWhenOver(stream);
      if (this.#waitingForFlush) break;
    }
    this.#pumping = false;
  }

  readonly #onFlushed = (): void => {
    this.#waitingForFlush = false;
    this.#pump();
  };

  #violation(stream: StreamState, error: StreamSpaceError): void {
    this.#close(stream, error);
    this.#onViolation(stream.id, error);
  }

  #closeWhenOver(stream: StreamState): void {
    if (stream.endReceived && stream.endSent) this.#close(stream, undefined);
  }

  #close(stream: StreamState, error: Error | undefined): void {
    if (!this.#streams.delete(stream.id)) return;
    stream.queue.length = 0;
    stream.queued = 0;
    stream.handler.onClose(error);
  }
}
