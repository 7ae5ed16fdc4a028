import { type Election, PROTOCOL_VERSIONS, StreamSpaceError } from '@streamspace/protocol';
import type { Elector, Leading } from 'lease-elector';
import type { Logger } from 'pino';
import type { AgentConfig } from '../config.ts';
import type { SessionDriver } from '../sessions/driver.ts';
import type { Offer } from '../sessions/offer.ts';
import type { Credentials } from './credential.ts';
import type { Dialer } from './dialer.ts';
import type { Link } from './link.ts';
import { Refused } from './refused.ts';

export interface RegistrationOptions {
  readonly config: Pick<AgentConfig, 'agentId' | 'podName' | 'region' | 'priority'>;
  readonly log: Logger;
  readonly driver: Pick<SessionDriver, 'platform'>;
  readonly offer: Pick<Offer, 'current'>;
  readonly dialer: Pick<Dialer, 'open'>;
  readonly credentials: Pick<Credentials, 'current' | 'refused'>;
  /** Its term may be raised later; 0 where HA is off. */
  readonly leading: Pick<Leading, 'term'>;
  /** Gets a greater term. Undefined where HA is off. */
  readonly elector: Pick<Elector, 'raiseTerm'> | undefined;
  readonly election: Election | undefined;
  /** Version of this program. */
  readonly build: string;
}

/** The agent's registration with the hub: its credential, its hello, and its reaction to a refusal. */
export class Registration {
  readonly #options: RegistrationOptions;
  /** The hub refused the last credential, and there is another one. */
  #hasAnother = false;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** One attempt: returns a welcomed link. Rejects like `openLink`, or because there is no credential or no known capacity. */
  async open(signal: AbortSignal): Promise<Link> {
    const { config, driver, credentials, dialer, leading, election, build } = this.#options;
    this.#hasAnother = false;
    const capacity = await this.#options.offer.current(signal);
    const token = await credentials.current(signal);
    const { term } = leading;
    try {
      return await dialer.open(
        token,
        {
          type: 'hello',
          versions: [...PROTOCOL_VERSIONS],
          agent_id: config.agentId,
          replica: config.podName,
          term,
          platform: driver.platform,
          region: config.region,
          priority: config.priority,
          capacity,
          build,
          ...(election !== undefined && { election: { ...election, term } }),
        },
        signal,
      );
    } catch (error) {
      if (error instanceof StreamSpaceError && error.code === 'unauthenticated')
        this.#hasAnother = await credentials.refused(token);
      throw error;
    }
  }

  /** True when the cause of a refusal was removed, so that another attempt at once makes sense. */
  async remedy(error: StreamSpaceError, signal: AbortSignal): Promise<boolean> {
    const { log, leading, elector } = this.#options;
    if (error.code === 'unauthenticated') return this.#hasAnother;
    if (error.code !== 'stale_term' || elector === undefined) return false;
    const theirs = (error instanceof Refused ? error.term : undefined) ?? leading.term;
    log.warn({ term: leading.term, hub_term: theirs }, 'Hub knows a greater term: raising ours');
    try {
      await elector.raiseTerm(theirs);
      return !signal.aborted;
    } catch (error) {
      // the lead is lost then, which aborts the signal
      log.warn({ err: error }, 'Term could not be raised');
      return false;
    }
  }
}
