import { QUOTA_KINDS, type Quota, type QuotaKind } from '@streamspace/protocol';
import { byteText } from './quantities.ts';

const number = (value: number): string => String(Number(value.toFixed(2)));

const WORDS: Record<QuotaKind, (used: number, of: number) => string> = {
  sessions: (used, of) => `${used} of ${of} sessions`,
  running: (used, of) => `${used} of ${of} running`,
  cpu: (used, of) => `${number(used)} of ${number(of)} CPUs`,
  memory: (used, of) => `${byteText(used)} of ${byteText(of)} of memory`,
  storage: (used, of) => `${byteText(used)} of ${byteText(of)} of storage`,
};

/** “Your quota: 2 of 3 running · 1.5 of 4 CPUs”. */
export function quotaText({ limits, used }: Quota): string {
  const parts = QUOTA_KINDS.flatMap((kind) => {
    const limit = limits[kind];
    return limit === undefined ? [] : [WORDS[kind](used[kind], limit)];
  });
  return `Your quota: ${parts.join(' · ')}`;
}
