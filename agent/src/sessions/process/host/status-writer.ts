import { open, rename } from 'node:fs/promises';
import type { HostState } from '../host-messages.ts';
import type { ControlServer } from './control-server.ts';

/** Reports the host's state in a file, which outlives the socket, and then on the control socket. */
export class StatusWriter {
  readonly #file: string;
  readonly #control: ControlServer;
  readonly #self: Pick<HostState, 'pid' | 'instance'>;
  readonly #log: (message: string) => void;

  constructor(
    file: string,
    control: ControlServer,
    self: Pick<HostState, 'pid' | 'instance'>,
    log: (message: string) => void,
  ) {
    this.#file = file;
    this.#control = control;
    this.#self = self;
    this.#log = log;
  }

  async set(state: HostState['state'], reason: string): Promise<void> {
    const status: HostState = { ...this.#self, state, reason };
    await this.#write(JSON.stringify(status)).catch((error: unknown) => {
      // a full disk must neither end the session nor hide its state from open connections
      this.#log(`status file: ${(error as Error).message}`);
    });
    this.#control.tell(status);
  }

  async #write(text: string): Promise<void> {
    const handle = await open(`${this.#file}.tmp`, 'w', 0o600);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    await rename(`${this.#file}.tmp`, this.#file);
  }
}
