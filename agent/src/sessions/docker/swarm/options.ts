import type { DockerDriverOptions } from '../options.ts';

/** How homes are kept, named like the agent's settings. */
export interface SwarmHomeConfig {
  /** Volume driver of homes; `local` without options: a volume of one node, to which its sessions are tied. */
  readonly sessionHomeDriver: string;
  /** Options of that driver, `NAME=VALUE` with spaces between; `{home}` stands for the home's name. */
  readonly sessionHomeOptions: string | undefined;
}

export type SwarmDriverOptions = Omit<
  DockerDriverOptions,
  'warm' | 'sessionImagePullPolicy' | 'sessionRuntime' | 'sessionGpus'
> &
  SwarmHomeConfig;
