import { type Clock, hedged, sleep } from 'clock-port';
import { type AgentMessageOf, StreamSpaceError } from '@streamspace/protocol';
import { answers } from './answers.ts';
import { PROBE_MS, probesOf } from './attempts.ts';
import { enrol } from './enrol.ts';
import { hubUrls } from './hub-url.ts';
import type { Link } from './link.ts';
import { openLink } from './open.ts';
import { proxyAgent, type ProxySettings } from './proxy.ts';

export interface DialerOptions extends ProxySettings {
  readonly controlPlaneUrl: string;
  readonly agentId: string;
  /** Name of this replica. */
  readonly podName: string;
  /** PEM. */
  readonly ca: string | undefined;
  /** Milliseconds. */
  readonly heartbeatInterval: number;
}

/** The way to the hub: its addresses, the proxy before it, the trusted CAs. */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #clock: Clock;

  constructor(options: DialerOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** See {@link openLink}. */
  open(token: string, hello: AgentMessageOf<'hello'>, signal: AbortSignal): Promise<Link> {
    const { ca, heartbeatInterval, controlPlaneUrl } = this.#options;
    const url = hubUrls(controlPlaneUrl).connect;
    const agent = proxyAgent(url, this.#options);
    return openLink({ url, token, hello, agent, ca, heartbeatInterval }, this.#clock, signal);
  }

  /** Whether the hub answers at all within the signal's time, whatever it says. One silent replica does not mean that the hub is silent. */
  async reachable(signal: AbortSignal): Promise<boolean> {
    const { ca, controlPlaneUrl } = this.#options;
    const url = hubUrls(controlPlaneUrl).health;
    const agent = proxyAgent(url, this.#options);
    const look = async (attempt: AbortSignal, taken: () => void) => {
      if (await answers({ url, agent, ca }, attempt, taken)) return true;
      await sleep(this.#clock, PROBE_MS, attempt);
      throw new StreamSpaceError('agent_offline', 'The hub does not answer');
    };
    return hedged(this.#clock, signal, look, probesOf(agent)).catch(() => false);
  }

  /** See {@link enrol}. */
  async enrol(token: string, standby: boolean, signal: AbortSignal): Promise<string> {
    const { ca, agentId, podName, controlPlaneUrl } = this.#options;
    const url = hubUrls(controlPlaneUrl).enrol;
    const options = { url, agentId, token, agent: proxyAgent(url, this.#options), ca };
    try {
      return await enrol({ ...options, replica: podName, standby }, this.#clock, signal);
    } catch (error) {
      // an older hub does not know replicas: it gives one credential per agent, for the leader
      if (standby || !(error instanceof StreamSpaceError) || error.code !== 'invalid_request') throw error;
      return enrol(options, this.#clock, signal);
    }
  }
}
