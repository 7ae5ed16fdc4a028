import type { HostOrder } from '../host-messages.ts';

/**
 * The order for the program inside, as one line on its standard input; the end of the input means: end. The environment is here and not in
 * arguments, which other users can read.
 */
export interface InsideOrder {
  readonly id: string;
  readonly start: string;
  readonly name: string;
  readonly user: string;
  readonly template: string;
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly desktop: HostOrder['desktop'];
}

/**
 * The reports of the program inside, one per line: `ready`, or `failed ` and the reason. The session's programs could send them too: nothing
 * else depends on them.
 */
export const READY = 'ready';
export const FAILED = 'failed ';

/** Longest line, characters. */
export const REPORT_LINE = 8 * 1024;
