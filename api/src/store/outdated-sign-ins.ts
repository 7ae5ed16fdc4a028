import { SIGN_INS, type SignInRecord } from './store.ts';

/** Hashes of the sign-ins to drop when one is added at `now`: those that have expired, and the oldest beyond {@link SIGN_INS}. */
export function outdated(all: readonly { hash: string; record: SignInRecord }[], now: number): string[] {
  const [live, expired] = [
    all.filter(({ record }) => record.expires > now),
    all.filter(({ record }) => record.expires <= now),
  ];
  const oldest = live.sort((one, other) => other.record.createdAt - one.record.createdAt).slice(SIGN_INS - 1);
  return [...expired, ...oldest].map(({ hash }) => hash);
}
