import { StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import type { HubDeps } from '../deps.ts';
import { newCredential, sameHash, sha256 } from './secrets.ts';

export interface EnrolmentWish {
  /** Undefined: any agent id that never had a credential. */
  agentId?: string | undefined;
  ttlMs: number;
  uses: number;
}

/** A new enrolment token; only its hash is kept, so this is the one time that it is seen [AUTH4]. */
export async function makeEnrolment(
  deps: Pick<HubDeps, 'store' | 'clock' | 'randomBytes'>,
  wish: EnrolmentWish,
): Promise<{ token: string; expires_at: string }> {
  const token = `sse_${deps.randomBytes(32).toString('base64url')}`;
  const expiresAt = iso(deps.clock.now() + wish.ttlMs);
  await deps.store.credentials.putEnrolment(sha256(token), {
    agentId: wish.agentId ?? null,
    expiresAt,
    uses: wish.uses,
  });
  return { token, expires_at: expiresAt };
}

/**
 * Exchanges an enrolment token for a credential of exactly one agent [AUTH3]. A token for any agent, ENROLMENT_TOKEN included, does it
 * for new ids only, and for those that ENROLMENT_TOKEN_AGENTS names: it must not be a key to every agent there is (failure 13). Rejects
 * with `unauthenticated`, or `conflict`.
 */
export async function enrol(
  { store, config, clock, randomBytes }: Pick<HubDeps, 'store' | 'config' | 'clock' | 'randomBytes'>,
  token: string | undefined,
  agentId: string,
): Promise<{ agent_id: string; credential: string }> {
  if (token === undefined)
    throw new StreamSpaceError('unauthenticated', 'no enrolment token: send one as `Authorization: Bearer <token>`');
  const hash = sha256(token);
  const credential = newCredential(randomBytes, agentId);
  const answer = { agent_id: agentId, credential: credential.token };
  const taken = new StreamSpaceError(
    'conflict',
    `agent ${agentId} has been enrolled before: use its credential, or ask an admin for an enrolment token for exactly this agent (POST /api/v1/agents/enrolments)`,
  );
  const own = config.agentEnrolment.get(agentId);
  if (own !== undefined && sameHash(own, hash)) {
    // Replaces the credential: of an agent's replicas, which each keep their own, the one that enrolled last is the one that leads.
    await store.credentials.set(agentId, credential.hash);
    return answer;
  }
  if (config.enrolmentTokenHash !== undefined && sameHash(config.enrolmentTokenHash, hash)) {
    if (!(await store.credentials.setNew(agentId, credential.hash))) throw taken;
    return answer;
  }
  const enrolment = await store.credentials.takeEnrolment(hash, agentId, iso(clock.now()));
  if (enrolment === undefined) {
    throw new StreamSpaceError(
      'unauthenticated',
      'the enrolment token is unknown, used up, expired, for another agent, or for new agents only: ask an admin for a new one',
    );
  }
  if (!enrolment.any) await store.credentials.set(agentId, credential.hash);
  else if (!(await store.credentials.setNew(agentId, credential.hash))) throw taken;
  return answer;
}
