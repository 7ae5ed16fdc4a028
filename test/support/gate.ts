import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** One address in front of a hub, behind which some replicas seem to be dead: requests of a kind get no answer, as often as asked for. */
export class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #silent: { pattern: RegExp; times: number }[] = [];

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
        if (!silent) to.write(data);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.end();
      });
    }
  }
}
