import { StreamSpaceError } from '@streamspace/protocol';
import type { Logger } from 'pino';
import { readSecret, writeSecret } from './credential-file.ts';

export interface CredentialOptions {
  /** Where the credential is kept; shared by all replicas that share the folder. */
  readonly file: string;
  /** AGENT_TOKEN, and the file to read it from instead. */
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly log: Logger;
  /** Exchanges an enrolment token for a credential; `standby`: only if that takes the token from nobody. */
  enrol(token: string, standby: boolean, signal: AbortSignal): Promise<string>;
}

/** What a credential begins with; whatever else an agent is given is an enrolment token, which an operator may have made up. */
const CREDENTIAL = 'ssa_';

/**
 * What the agent shows to the hub. The stored credential comes first: it may be younger than the configured one [AUTH5]. One that the
 * hub refused is not shown again until there is nothing else, so that a lost or revoked one is replaced by enrolling again.
 */
export class Credentials {
  readonly #options: CredentialOptions;
  readonly #refused = new Set<string>();

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  /** The credential to show. Enrols when there is none. Rejects with `unauthenticated`, naming the remedy, or what enrolling rejects with. */
  async current(signal: AbortSignal): Promise<string> {
    const { file, log } = this.#options;
    const stored = await readSecret(file);
    if (stored !== undefined && !this.#refused.has(stored)) return stored;
    const given = await this.#given();
    if (given?.startsWith(CREDENTIAL) === false) {
      const credential = await this.#options.enrol(given, false, signal);
      await writeSecret(file, credential);
      this.#refused.clear();
      log.info('Enrolled');
      return credential;
    }
    if (given !== undefined && !this.#refused.has(given)) return given;
    const known = this.#refused.size > 0;
    this.#refused.clear();
    throw new StreamSpaceError(
      'unauthenticated',
      known
        ? 'The hub refused the credential: set AGENT_TOKEN to a new enrolment token'
        : 'No credential: set AGENT_TOKEN or AGENT_TOKEN_FILE to an enrolment token',
    );
  }

  /**
   * Has a credential of its own before it is needed, where it is to enrol: a replica that begins to lead has better things to do. Rejects with
   * what enrolling rejects with.
   */
  async prepare(signal: AbortSignal): Promise<void> {
    const { file, log } = this.#options;
    if ((await readSecret(file)) !== undefined) return;
    const given = await this.#given();
    if (given === undefined || given.startsWith(CREDENTIAL)) return;
    const credential = await this.#options.enrol(given, true, signal);
    // another replica, in the same folder, may have been faster
    if ((await readSecret(file)) !== undefined) return;
    await writeSecret(file, credential);
    log.info('Enrolled ahead of leadership');
  }

  /** The hub answered 401 to it. True when there may be another one to show. */
  async refused(credential: string): Promise<boolean> {
    this.#refused.add(credential);
    const others = [await readSecret(this.#options.file), await this.#given()];
    return others.some((other) => other !== undefined && !this.#refused.has(other));
  }

  /** Keeps a new credential; resolves when it is safe on the disk. */
  async store(credential: string): Promise<void> {
    await writeSecret(this.#options.file, credential);
  }

  async #given(): Promise<string | undefined> {
    const { token, tokenFile } = this.#options;
    if (tokenFile === undefined) return token;
    const read = await readSecret(tokenFile);
    if (read === undefined)
      throw new StreamSpaceError('unauthenticated', `AGENT_TOKEN_FILE: ${tokenFile} is empty or not there`);
    return read;
  }
}
