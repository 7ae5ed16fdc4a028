import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * One address in front of a hub that simulates dead replicas: a given number of matching requests get no answer. It can also
 * hold back the bytes of existing connections, like a broken VPN, and deliver them late.
 */
export class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #silent: { pattern: RegExp; times: number }[] = [];
  /** Connections that hold back all bytes, with these bytes. */
  readonly #swallowing = new Map<Socket, (() => void)[]>();

  private constructor(port: number) {
    this.#server = createServer((client) => this.#pass(client, connect(port, '127.0.0.1')));
  }

  static async open(port: number): Promise<Gate> {
    const gate = new Gate(port);
    gate.#server.listen(0, '127.0.0.1');
    await once(gate.#server, 'listening');
    return gate;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Whether all requests to be left unanswered have arrived. */
  get done(): boolean {
    return this.#silent.every(({ times }) => times === 0);
  }

  /** The next `times` requests whose first line matches are dropped, like everything after them on their connection. */
  leaveUnanswered(pattern: RegExp, times: number): void {
    this.#silent.push({ pattern, times });
  }

  /** From now on existing connections silently deliver no bytes. New ones work. */
  swallow(): void {
    for (const socket of this.#sockets) if (!this.#swallowing.has(socket)) this.#swallowing.set(socket, []);
  }

  /** Delivers the held bytes late. */
  deliver(): void {
    const late = [...this.#swallowing.values()].flat();
    this.#swallowing.clear();
    for (const write of late) write();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(client: Socket, hub: Socket): void {
    let silent = false;
    for (const [from, to] of [
      [client, hub],
      [hub, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (data) => {
        const line = from === client ? /^[A-Z]+ \S+/.exec(data.toString('latin1'))?.[0] : undefined;
        const rule = this.#silent.find(({ pattern, times }) => times > 0 && line !== undefined && pattern.test(line));
        if (rule !== undefined) rule.times -= 1;
        silent ||= rule !== undefined;
        const swallowed = this.#swallowing.get(from);
        if (swallowed !== undefined) swallowed.push(() => to.write(data));
        else if (!silent) to.write(data);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        const swallowed = this.#swallowing.get(from);
        if (swallowed !== undefined) swallowed.push(() => to.end());
        else to.end();
      });
    }
  }
}
