import { createHash, timingSafeEqual } from 'node:crypto';
import { Id } from '@streamspace/protocol';
import { Value } from 'typebox/value';

/** SHA-256 of a token, hex: the only form in which tokens are stored [AUTH4]. */
export function sha256Hex(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Compares two SHA-256 hashes (hex) in constant time. */
export function sameHash(a: string, b: string): boolean {
  const left = Buffer.from(a, 'hex');
  const right = Buffer.from(b, 'hex');
  return left.length === 32 && right.length === 32 && timingSafeEqual(left, right);
}

/** A new credential for one agent: `ssa_<agent id>.<256 random bits>`, and the hash to store [AUTH3]. */
export function newCredential(randomBytes: (size: number) => Buffer, agentId: string): { token: string; hash: string } {
  const token = `ssa_${agentId}.${randomBytes(32).toString('base64url')}`;
  return { token, hash: sha256Hex(token) };
}

/** Whose credential a bearer claims to be; undefined when it hasn't the form of one. */
export function credentialAgent(bearer: string): string | undefined {
  const [, agentId] = /^ssa_([a-z0-9-]{1,63})\.[\w-]{43,}$/.exec(bearer) ?? [];
  return Value.Check(Id, agentId) ? agentId : undefined;
}
