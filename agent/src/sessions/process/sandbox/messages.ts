import type { HostOrder } from '../host-messages.ts';

/**
 * What the program inside is told, as one line on its standard input; the input's end means: end. The environment is here and not
 * in arguments, which others can read.
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

/** What it answers, each a line: `ready`, or `failed ` and the reason in one line. The session's programs could say so too: nothing else hangs on it. */
export const READY = 'ready';
export const FAILED = 'failed ';

/** Longest line, characters. */
export const REPORT_LINE = 8 * 1024;
