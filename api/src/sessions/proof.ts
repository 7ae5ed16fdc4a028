import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { SessionSpec } from '@streamspace/protocol';

/** A key of sessions' proofs. The same on all replicas and after a restart: what was signed before the store was emptied is believed after it. */
export function sessionKeyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'streamspace session proof', 32));
}

/** What of a session a proof is about: small, and enough to make or check one without the whole spec. */
export interface Provable {
  readonly agent: string;
  readonly id: string;
  readonly user: string;
  /** SHA-256 (hex) of the spec without its proof. */
  readonly digest: string;
}

/** Whether a hub made the session: `former`: with a key that is about to go. */
export type Provenance = 'present' | 'former' | 'none';

/** The parts of a session's proof. */
export function provable(agent: string, { proof: _proof, ...spec }: SessionSpec): Provable {
  return { agent, id: spec.id, user: spec.user, digest: createHash('sha256').update(canonical(spec)).digest('hex') };
}

/**
 * What the hub signs sessions with, so that it can tell one that it made, and whose store lost it, from one that an agent makes up [SES6]:
 * HMAC-SHA256 over agent, id, user and spec. The first key signs; any of them is believed.
 */
export class SessionProofs {
  readonly #keys: readonly Buffer[];

  constructor(keys: readonly Buffer[]) {
    if (keys.length === 0) throw new Error('sessions can not be signed without a key');
    this.#keys = keys;
  }

  /** 43 characters of base64url. */
  sign(about: Provable): string {
    return mac(this.#keys[0]!, about).toString('base64url');
  }

  check(about: Provable, proof: string | undefined): Provenance {
    if (proof === undefined) return 'none';
    const shown = Buffer.from(proof, 'base64url');
    const index = this.#keys.findIndex((key) => {
      const right = mac(key, about);
      return shown.length === right.length && timingSafeEqual(right, shown);
    });
    return index === 0 ? 'present' : index > 0 ? 'former' : 'none';
  }
}

function mac(key: Buffer, { agent, id, user, digest }: Provable): Buffer {
  return createHmac('sha256', key)
    .update(JSON.stringify([agent, id, user, digest]))
    .digest();
}

/** The same text for the same value, in whatever order its fields came back from a platform. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
}
