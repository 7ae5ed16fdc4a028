import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, withDeadline } from 'clock-port';
import { newCredential } from '../../auth/secrets.ts';
import type { Store } from '../../store/store.ts';
import type { AgentLink } from '../link/link.ts';

/** Longest time for an agent to store a new credential, milliseconds. */
const ROTATION_MS = 30_000;

export interface RotationDeps {
  readonly store: Pick<Store, 'credentials'>;
  readonly clock: Clock;
  randomBytes(size: number): Buffer;
}

/** New credentials over live links [AUTH5]. Until the agent confirms its storage, the old one is valid too. */
export class Rotations {
  readonly #deps: RotationDeps;
  readonly #waiting = new Map<string, { link: AgentLink; stored: () => void }>();

  constructor(deps: RotationDeps) {
    this.#deps = deps;
  }

  /** Resolves when the new credential is the only one. Rejects with `agent_offline` or `command_timeout`. */
  async rotate(link: AgentLink): Promise<void> {
    const { store, clock } = this.#deps;
    const { token, hash } = newCredential((size) => this.#deps.randomBytes(size), link.agentId);
    const rotationId = `r-${this.#deps.randomBytes(12).toString('hex')}`;
    await store.credentials.beginRotation(link.agentId, { hash, rotationId });
    try {
      await withDeadline(clock, ROTATION_MS, 'the agent to store its new credential', link.signal, () => {
        const stored = new Promise<void>((resolve) => this.#waiting.set(rotationId, { link, stored: resolve }));
        if (!link.tell({ type: 'credential', rotation_id: rotationId, token }))
          throw new StreamSpaceError('agent_offline', 'the agent is not connected');
        return stored;
      });
    } catch (error) {
      if (error instanceof StreamSpaceError && error.code !== 'agent_offline' && !link.open)
        throw new StreamSpaceError(
          'agent_offline',
          `the connection ended during the rotation: ${error.message}`,
          {},
          { cause: error },
        );
      if (error instanceof StreamSpaceError) throw error;
      throw new StreamSpaceError(
        'command_timeout',
        'the agent did not confirm the new credential; both are valid, rotate again',
        {},
        { cause: error },
      );
    } finally {
      this.#waiting.delete(rotationId);
    }
  }

  /** Handles the agent's `credential_stored`, also after the wait for it has ended. */
  async stored(link: AgentLink, rotationId: string): Promise<void> {
    const hash = await this.#deps.store.credentials.finishRotation(link.agentId, rotationId);
    if (hash === undefined) return;
    link.credentialHash = hash;
    const waiting = this.#waiting.get(rotationId);
    if (waiting?.link === link) waiting.stored();
  }
}
