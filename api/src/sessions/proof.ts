import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { SessionSpec } from '@streamspace/protocol';

/** A key of sessions' proofs. The same on all replicas and after a restart, so that proofs survive an emptied store. */
export function sessionKeyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'streamspace session proof', 32));
}

/** The signed data of a session: small, and enough to make or check a proof without the whole spec. */
export interface Provable {
  readonly agent: string;
  readonly id: string;
  readonly user: string;
  /** SHA-256 (hex) of the spec without its proof. */
  readonly digest: string;
}

/** Whether a hub made the session; `former`: signed with an outgoing key. */
export type Provenance = 'present' | 'former' | 'none';

/** The parts of a session's proof. */
export function provable(agent: string, { proof: _proof, ...spec }: SessionSpec): Provable {
  return { agent, id: spec.id, user: spec.user, digest: createHash('sha256').update(canonical(spec)).digest('hex') };
}

/**
 * Signs sessions, so that the hub can distinguish its own sessions, lost by the store, from sessions that an agent invents [SES6]:
 * HMAC-SHA256 over agent, id, user and spec. The first key signs; all are accepted.
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

/** The same text for the same value, independent of the order of its fields. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
}
