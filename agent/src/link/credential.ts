import { StreamSpaceError } from '@streamspace/protocol';
import type { Logger } from 'pino';
import { readSecret, writeSecret } from './credential-file.ts';

export interface CredentialOptions {
  /** File of the credential; shared by all replicas that share its folder. */
  readonly file: string;
  /** AGENT_TOKEN, and the path of a file to read it from instead. */
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly log: Logger;
  /** Exchanges an enrolment token for a credential. `standby`: only if other replicas can still use the token afterwards. */
  enrol(token: string, standby: boolean, signal: AbortSignal): Promise<string>;
}

/** Prefix of a credential; any other given text is an enrolment token, which an operator may have made up. */
const CREDENTIAL = 'ssa_';

/**
 * The agent's credential. The stored one comes first: it may be newer than the configured one [AUTH5]. A refused credential is used again only
 * if there is no other, so that enrolling again replaces a lost or revoked one.
 */
export class Credentials {
  readonly #options: CredentialOptions;
  readonly #refused = new Set<string>();

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  /** The credential to use. Enrols when there is none. Rejects with `unauthenticated`, naming the remedy, or with an error of the enrolment. */
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
   * Enrols in advance, if the agent is configured to enrol: a new leader should not spend its first moments on that. Rejects with an error of
   * the enrolment.
   */
  async prepare(signal: AbortSignal): Promise<void> {
    const { file, log } = this.#options;
    if ((await readSecret(file)) !== undefined) return;
    const given = await this.#given();
    if (given === undefined || given.startsWith(CREDENTIAL)) return;
    const credential = await this.#options.enrol(given, true, signal);
    // another replica with the same folder may have been faster
    if ((await readSecret(file)) !== undefined) return;
    await writeSecret(file, credential);
    log.info('Enrolled ahead of leadership');
  }

  /** Called when the hub answered 401 to the credential. Returns true if there may be another one to use. */
  async refused(credential: string): Promise<boolean> {
    this.#refused.add(credential);
    const others = [await readSecret(this.#options.file), await this.#given()];
    return others.some((other) => other !== undefined && !this.#refused.has(other));
  }

  /** Stores a new credential; resolves when it is safe on disk. */
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
