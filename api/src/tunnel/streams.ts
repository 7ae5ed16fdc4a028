import {
  type AgentMessageOf,
  type HubMessage,
  LIMITS,
  type MuxStream,
  type StreamHandler,
  type StreamMux,
  StreamSpaceError,
} from '@streamspace/protocol';
import type { Clock, Timer } from 'clock-port';

/** The part of a link that streams use. */
interface StreamLink {
  readonly mux: StreamMux;
  /** Sends one control message; false when the link is gone. */
  tell(message: HubMessage): boolean;
  disconnect(streamId: number, error?: StreamSpaceError): void;
}

/** Milliseconds for an agent to reach a session's screen. */
const CONNECT_MS = 10_000;

/** The open screens of one link: ids, `vnc_connect` and its answer, and the end of each. The mux handles the bytes, and the end of all. */
export class LinkStreams {
  readonly #link: StreamLink;
  readonly #clock: Clock;
  readonly #connecting = new Map<number, { stream: MuxStream; timer: Timer; connected: () => void }>();
  #lastId = 0;

  constructor(link: StreamLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  get size(): number {
    return this.#link.mux.size;
  }

  /**
   * Opens a stream to the session's screen [STR2]. Bytes written before the agent's answer wait in the stream's queue. `connected` is called
   * once, at the answer. Throws `at_capacity`, or `agent_offline` when the link is gone.
   */
  open(sessionId: string, handler: StreamHandler, connected: () => void): MuxStream {
    if (this.#lastId >= 0xffffffff)
      throw new StreamSpaceError('at_capacity', 'this connection of the agent has used up its stream ids');
    const id = ++this.#lastId;
    const stream = this.#link.mux.open(id, 0, {
      onData: (data, consumed) => handler.onData(data, consumed),
      onEnd: () => handler.onEnd(),
      onDrain: () => handler.onDrain(),
      onClose: (error) => {
        this.#forget(id);
        handler.onClose(error);
      },
    });
    const timer = this.#clock.setTimeout(() => {
      const error = new StreamSpaceError(
        'screen_unreachable',
        `the agent did not reach the screen within ${CONNECT_MS / 1000} s`,
      );
      this.close(stream, error);
    }, CONNECT_MS);
    this.#connecting.set(id, { stream, timer, connected });
    if (!this.#link.tell({ type: 'vnc_connect', stream_id: id, session_id: sessionId, credit: LIMITS.initialCredit })) {
      stream.reset(new StreamSpaceError('agent_offline', 'the agent is not connected'));
    }
    return stream;
  }

  /** Ends a stream from this end: tells the agent, drops queued bytes [STR7]. */
  close(stream: MuxStream, error?: StreamSpaceError): void {
    if (!this.#link.mux.has(stream.id)) return;
    stream.reset(error);
    this.#link.disconnect(stream.id, error);
  }

  connected(message: AgentMessageOf<'vnc_connected'>): void {
    const waiting = this.#connecting.get(message.stream_id);
    if (waiting === undefined) return; // given up meanwhile, or answered twice
    this.#forget(message.stream_id);
    waiting.connected();
    waiting.stream.grant(message.credit);
  }

  disconnected(message: AgentMessageOf<'vnc_disconnect'>): void {
    const { error } = message;
    this.#link.mux.disconnected(
      message.stream_id,
      error === undefined ? undefined : new StreamSpaceError(error.code, error.message, error.details),
    );
  }

  #forget(id: number): void {
    this.#connecting.get(id)?.timer.cancel();
    this.#connecting.delete(id);
  }
}
