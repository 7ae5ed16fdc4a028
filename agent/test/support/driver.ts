import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Capacity, type SessionSpec, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import type { Operation, SessionDriver } from '../../src/sessions/driver.ts';

export const specOf = (id: string): SessionSpec => ({
  id,
  user: 'ada',
  template: 'desktop',
  name: id,
  cpu: 1,
  memory: 1024,
  storage: 0,
  image: '',
  env: {},
  created_at: '2030-01-01T00:00:00.000Z',
});

/** A platform in memory: every effect is counted, every call can be held up or made to fail. Its screens echo over real sockets. */
export class FakeDriver implements SessionDriver {
  readonly platform = 'process';
  readonly isolation = 'isolated';
  readonly sessions = new Map<string, SessionStatus>();
  /** Calls in order, `create a`. */
  readonly calls: string[] = [];
  /** Effects, by command id: more than one each is a double. */
  readonly effects = new Map<string, number>();
  /** Calls under way, now and at most. */
  running = 0;
  mostRunning = 0;
  readonly signals: AbortSignal[] = [];
  /** When set, operations wait for it. */
  gate: Promise<void> | undefined;
  fail: Error | undefined;
  listFails: Error | undefined;
  watchers = new Set<(id: string, status: SessionStatus | undefined) => void>();
  screens = 0;
  /** The server's side of each screen. */
  readonly sockets = new Set<Socket>();
  onScreen: (socket: Socket) => void = (socket) => void socket.pipe(socket);
  #server: Server | undefined;
  #highestTerm = new Map<string, number>();

  capacity(): Promise<Capacity> {
    return Promise.resolve({ cpu: 4, memory: 2 ** 33, max_sessions: 50 });
  }

  create(spec: SessionSpec, operation: Operation): Promise<SessionStatus> {
    return this.#operate('create', spec.id, operation, () => this.#put({ spec, state: 'running' }));
  }

  async delete(id: string, _options: { deleteHome: boolean }, operation: Operation): Promise<void> {
    await this.#operate('delete', id, operation, () => void this.sessions.delete(id));
  }

  async prove(id: string, proof: string): Promise<void> {
    const status = this.sessions.get(id);
    if (status !== undefined) this.sessions.set(id, { ...status, spec: { ...status.spec, proof } });
  }

  hibernate(id: string, operation: Operation): Promise<SessionStatus> {
    return this.#operate('hibernate', id, operation, () => this.#put({ ...this.#get(id), state: 'hibernated' }));
  }

  wake(id: string, operation: Operation): Promise<SessionStatus> {
    return this.#operate('wake', id, operation, () => this.#put({ ...this.#get(id), state: 'running' }));
  }

  async list(): Promise<SessionStatus[]> {
    if (this.listFails !== undefined) throw this.listFails;
    return [...this.sessions.values()];
  }

  async connect(id: string, signal: AbortSignal): Promise<Duplex> {
    signal.throwIfAborted();
    if (this.#get(id).state !== 'running') throw new StreamSpaceError('session_not_running', `${id} is not running`);
    const port = await this.#listen();
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' }, () => {
        this.screens++;
        socket.once('close', () => this.screens--);
        resolve(socket);
      });
      socket.once('error', reject);
    });
  }

  async watch(onChange: (id: string, status: SessionStatus | undefined) => void, signal: AbortSignal): Promise<void> {
    this.watchers.add(onChange);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.watchers.delete(onChange);
  }

  /** A session changes by itself. */
  change(id: string, status: SessionStatus | undefined): void {
    if (status === undefined) this.sessions.delete(id);
    else this.sessions.set(id, status);
    for (const watcher of this.watchers) watcher(id, status);
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server?.close();
  }

  async #operate<T>(name: string, id: string, operation: Operation, effect: () => T): Promise<T> {
    this.calls.push(`${name} ${id}`);
    this.signals.push(operation.signal);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    try {
      if ((this.#highestTerm.get(id) ?? 0) > operation.term) {
        throw new StreamSpaceError('superseded', `a later leader has changed ${id}`);
      }
      this.#highestTerm.set(id, operation.term);
      if (this.gate !== undefined) await Promise.race([this.gate, abortion(operation.signal)]);
      operation.signal.throwIfAborted();
      if (this.fail !== undefined) throw this.fail;
      if (!this.effects.has(operation.commandId)) this.effects.set(operation.commandId, 0);
      this.effects.set(operation.commandId, this.effects.get(operation.commandId)! + 1);
      return effect();
    } finally {
      this.running--;
    }
  }

  #get(id: string): SessionStatus {
    const status = this.sessions.get(id);
    if (status === undefined) throw new StreamSpaceError('not_found', `no session ${id}`);
    return status;
  }

  #put(status: SessionStatus): SessionStatus {
    this.sessions.set(status.spec.id, status);
    return status;
  }

  async #listen(): Promise<number> {
    this.#server ??= createServer((socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.sockets.delete(socket));
      this.onScreen(socket);
    });
    const server = this.#server;
    if (!server.listening) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return (server.address() as AddressInfo).port;
  }
}

function abortion(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
