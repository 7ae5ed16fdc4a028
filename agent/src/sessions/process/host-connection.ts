import { outcomeOf } from 'clock-port';
import type { Socket } from 'node:net';
import { CONTROL_LINE, type HostState, parseState, STOP } from './host-messages.ts';
import { lineReader } from './lines.ts';
import { connectSocket } from '../core/connect.ts';

/**
 * A connection to a session host's control socket. The host lives as long as the connection is open: the kernel closes it when the process
 * ends, for whatever reason. So its close is the event that a session ended, and before that, signals to `pid` reach the right process.
 */
export class HostConnection {
  readonly #socket: Socket;
  readonly #listeners = new Set<() => void>();
  #state: HostState | undefined;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const read = lineReader(CONTROL_LINE, (line) => {
      const state = parseState(line);
      if (!state) return;
      this.#state = state;
      this.#tell();
    });
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      if (!read(chunk)) socket.destroy();
    });
    socket.on('end', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#tell();
    });
  }

  /** `dead`: no process listens any more; `missing`: the socket does not exist. Rejects when the signal aborts. */
  static async open(path: string, signal: AbortSignal): Promise<HostConnection | 'missing' | 'dead'> {
    try {
      return new HostConnection(await connectSocket(path, signal));
    } catch (error) {
      signal.throwIfAborted();
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return 'missing';
      if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE') return 'dead';
      throw error;
    }
  }

  /** The host's last message; undefined before the first. */
  get state(): HostState | undefined {
    return this.#state;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls back after every change of `state` and at the close. Returns the unsubscribe function. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when `holds` returns true or the connection closes; rejects when the signal aborts. */
  until(holds: (state: HostState | undefined) => boolean, signal: AbortSignal): Promise<void> {
    return outcomeOf(signal, (resolve) => {
      const look = () => {
        if (this.#closed || holds(this.#state)) resolve();
      };
      look();
      return this.onChange(look);
    });
  }

  /** Asks the host to end its desktop and itself. */
  stop(): void {
    this.#socket.write(STOP);
  }

  close(): void {
    this.#socket.destroy();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
