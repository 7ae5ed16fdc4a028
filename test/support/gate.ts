import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * One address in front of a hub, behind which some replicas seem to be dead: requests of a kind get no answer, as often as asked for. It can also
 * swallow what existing connections carry, as a VPN that dropped does, and deliver it late.
 */
export class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #silent: { pattern: RegExp; times: number }[] = [];
  /** Connections that swallow everything, with what they have swallowed. */
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

  /** Whether all that was to be left unanswered was asked. */
  get done(): boolean {
    return this.#silent.every(({ times }) => times === 0);
  }

  /** The next `times` requests whose first line matches go nowhere, nor does anything after them on their connection. */
  leaveUnanswered(pattern: RegExp, times: number): void {
    this.#silent.push({ pattern, times });
  }

  /** From now on nothing that these connections carry arrives, and nobody is told. New ones work. */
  swallow(): void {
    for (const socket of this.#sockets) if (!this.#swallowing.has(socket)) this.#swallowing.set(socket, []);
  }

  /** What was swallowed arrives after all, late. */
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
