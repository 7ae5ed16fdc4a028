import { createHmac, timingSafeEqual } from 'node:crypto';
import { StreamSpaceError } from '@streamspace/protocol';

/** Requests that one hub replica may make to another. */
export type Purpose = 'screen' | 'probe' | 'supersede' | 'rotate' | 'close' | 'awake' | 'picture';

/** A request of one replica to another, signed as a whole. */
export interface PeerClaims {
  purpose: Purpose;
  /** Address of the receiving replica: no other accepts the request. */
  to: string;
  agent: string;
  /** For `screen`, `awake` and `picture`. */
  session?: string;
  user?: string;
  /** The viewer's name across its connections [VIEW5]. */
  viewer?: string;
  /** For `screen`: expiry of the viewer's token, milliseconds since 1970. */
  until?: number;
  /** For `probe` and `supersede`: the connection in question. */
  connection?: string;
  /** For `close` and `supersede`: the reason for the agent. */
  reason?: string;
}

interface Signed extends PeerClaims {
  /** Milliseconds since 1970. */
  expires: number;
  nonce: string;
}

/** Lifetime of a credential, milliseconds; also the largest tolerated difference between the clocks of two replicas. */
const LIFE_MS = 30_000;
/** Most credentials remembered as used. */
const MAX_USED = 50_000;

const mac = (secret: string, text: string): Buffer =>
  createHmac('sha256', secret).update(`streamspace peer 1.${text}`).digest();

const refused = (why: string): StreamSpaceError =>
  new StreamSpaceError(
    'unauthenticated',
    `${why}: this is for replicas of this hub, which share HUB_PEER_SECRET (or JWT_SECRET) and the time`,
  );

/** Parses the signed payload. Throws `unauthenticated` for claims without an expiry: those would be valid for ever. */
function parsed(payload: string): Signed {
  let claims: Partial<Signed> | null;
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Partial<Signed> | null;
  } catch {
    throw refused('the credential is no JSON');
  }
  if (typeof claims?.expires !== 'number' || !Number.isFinite(claims.expires))
    throw refused('the credential does not say when it expires');
  if (typeof claims.nonce !== 'string' || claims.nonce === '') throw refused('the credential has no nonce');
  return claims as Signed;
}

/** A credential for exactly this request, valid once within half a minute. */
export function signPeer(secret: string, claims: PeerClaims, { now, nonce }: { now: number; nonce: string }): string {
  const signed: Signed = { ...claims, expires: now + LIFE_MS, nonce };
  const payload = Buffer.from(JSON.stringify(signed)).toString('base64url');
  return `${payload}.${mac(secret, payload).toString('base64url')}`;
}

/** Checks the credentials of other replicas. Remembers used ones until they expire. */
export class PeerGuard {
  readonly #used = new Map<string, number>();
  readonly #secrets: readonly string[];
  readonly #hub: string;

  /** `secrets`: a credential of any of them is accepted; none: every peer is refused. */
  constructor(secrets: readonly string[], hub: string) {
    this.#secrets = secrets;
    this.#hub = hub;
  }

  /** The signed request. `authorization`: the header. Throws `unauthenticated`. */
  check(authorization: string | undefined, purpose: Purpose, now: number): PeerClaims {
    if (this.#secrets.length === 0) throw refused('this hub has no peers');
    const [, payload, signature] = /^Peer ([\w-]{1,4096})\.([\w-]{43})$/.exec(authorization ?? '') ?? [];
    if (payload === undefined || signature === undefined) throw refused('no credential of a peer');
    const shown = Buffer.from(signature, 'base64url');
    if (!this.#secrets.some((secret) => timingSafeEqual(mac(secret, payload), shown)))
      throw refused('the credential is not signed by a peer');
    const claims = parsed(payload);
    if (claims.purpose !== purpose) throw refused(`the credential is for ${claims.purpose}`);
    if (claims.to !== this.#hub)
      throw refused(`the credential is for ${claims.to}, and this is ${this.#hub} (HUB_ADDRESS)`);
    if (!(claims.expires >= now && claims.expires <= now + 2 * LIFE_MS)) throw refused('the credential has expired');
    if (this.#used.has(claims.nonce)) throw refused('the credential was used before');
    this.#remember(claims, now);
    return claims;
  }

  #remember({ nonce, expires }: Signed, now: number): void {
    for (const [oldest, due] of this.#used) {
      if (due >= now && this.#used.size < MAX_USED) break;
      this.#used.delete(oldest);
    }
    this.#used.set(nonce, expires);
  }
}
