/** The content of a user's token. The page only reads it and never trusts it: the hub verifies it. */
export interface Claims {
  user: string;
  /** For people; by default the user. */
  name?: string;
  roles: readonly string[];
  /** Milliseconds since 1970. */
  expires: number;
}

/** Why a text cannot be used as a token, for the person who pasted it. */
export class TokenProblem extends Error {}

/** Reads a JSON Web Token; throws {@link TokenProblem} with what to do. `now` is milliseconds since 1970. */
export function readToken(token: string, now: number): Claims {
  const payload = token.split('.')[1];
  if (token.split('.').length !== 3 || payload === undefined) {
    throw new TokenProblem('This is not a token: it has three parts with dots between, and begins with “eyJ”.');
  }
  let claims: { sub?: unknown; roles?: unknown; exp?: unknown };
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    claims = JSON.parse(new TextDecoder().decode(bytes)) as typeof claims;
  } catch {
    throw new TokenProblem('This token cannot be read: copy it again, completely.');
  }
  if (typeof claims.sub !== 'string' || typeof claims.exp !== 'number') {
    throw new TokenProblem('This token names no user or no expiry: get one made for StreamSpace.');
  }
  if (claims.exp * 1000 <= now) throw new TokenProblem('This token has expired: get a new one.');
  const roles = Array.isArray(claims.roles) ? claims.roles.filter((role) => typeof role === 'string') : [];
  return { user: claims.sub, roles, expires: claims.exp * 1000 };
}

/** The token and where to go in a sign-in link's fragment (`#token=…&to=/agents`), or undefined. */
export function tokenInFragment(fragment: string): { token: string; to: string } | undefined {
  const text = fragment.replace(/^#/, '');
  if (!text.startsWith('token=') && !text.includes('&token=')) return undefined;
  const parts = new URLSearchParams(text);
  const to = parts.get('to') ?? '/';
  return { token: parts.get('token') ?? '', to: to.startsWith('/') ? to : '/' };
}
