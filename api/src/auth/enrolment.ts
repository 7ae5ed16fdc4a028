import { Id, StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import Type, { type Static } from 'typebox';
import type { HubDeps } from '../deps.ts';
import { newCredential, sameHash, sha256Hex } from './secrets.ts';

export const EnrolBody = Type.Object(
  {
    agent_id: Id,
    replica: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description:
          'name of the requesting replica: if each replica keeps its own credential, the credentials of the others stay valid',
      }),
    ),
    standby: Type.Optional(
      Type.Boolean({
        description: 'the replica does not lead: refused with `conflict` if the token is not for any number of uses',
      }),
    ),
  },
  { additionalProperties: false },
);
export type EnrolBody = Static<typeof EnrolBody>;

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
  await deps.store.credentials.putEnrolment(sha256Hex(token), {
    agentId: wish.agentId ?? null,
    expiresAt,
    uses: wish.uses,
  });
  return { token, expires_at: expiresAt };
}

const NO_TOKEN = 'no enrolment token: send one as `Authorization: Bearer <token>`';
const NOT_VALID =
  'the enrolment token is unknown, used up, expired, for another agent, or for new agents only: ask an admin for a new one';

/** Rejects with `unauthenticated` unless it is an enrolment token that could be used now, for one agent or another: before anything else of the request is read. */
export async function authenticateEnrolment(
  { store, config, clock }: Pick<HubDeps, 'store' | 'config' | 'clock'>,
  token: string | undefined,
): Promise<void> {
  if (token === undefined) throw new StreamSpaceError('unauthenticated', NO_TOKEN);
  const hash = sha256Hex(token);
  const configured = [
    ...config.agentEnrolment.values(),
    ...(config.enrolmentTokenHash ? [config.enrolmentTokenHash] : []),
  ];
  if (configured.some((each) => sameHash(each, hash))) return;
  if (!(await store.credentials.hasEnrolment(hash, iso(clock.now()))))
    throw new StreamSpaceError('unauthenticated', NOT_VALID);
}

/**
 * Exchanges an enrolment token for a credential of exactly one agent, or of one replica of it [AUTH3]. A token for any agent, ENROLMENT_TOKEN included, does it
 * for new ids only, and for those that ENROLMENT_TOKEN_AGENTS names: it must not be a key to every agent there is (failure 13). Rejects
 * with `unauthenticated`, or `conflict`.
 */
export async function enrolAgent(
  { store, config, clock, randomBytes }: Pick<HubDeps, 'store' | 'config' | 'clock' | 'randomBytes'>,
  token: string | undefined,
  { agent_id: agentId, replica, standby = false }: EnrolBody,
): Promise<{ agent_id: string; credential: string }> {
  if (token === undefined) throw new StreamSpaceError('unauthenticated', NO_TOKEN);
  const hash = sha256Hex(token);
  const credential = newCredential(randomBytes, agentId);
  const answer = { agent_id: agentId, credential: credential.token };
  const taken = new StreamSpaceError(
    'conflict',
    `agent ${agentId} has been enrolled before: use its credential, or ask an admin for an enrolment token for exactly this agent (POST /api/v1/agents/enrolments)`,
  );
  const own = config.agentEnrolment.get(agentId);
  if (own !== undefined && sameHash(own, hash)) {
    await store.credentials.set(agentId, credential.hash, replica);
    return answer;
  }
  if (standby)
    throw new StreamSpaceError(
      'conflict',
      `a standby has no use for this token: it is not a token of exactly agent ${agentId} for any number of uses (AGENT_ENROLMENT_TOKENS)`,
    );
  if (config.enrolmentTokenHash !== undefined && sameHash(config.enrolmentTokenHash, hash)) {
    if (!(await store.credentials.setNew(agentId, credential.hash))) throw taken;
    return answer;
  }
  const enrolment = await store.credentials.takeEnrolment(hash, agentId, iso(clock.now()));
  if (enrolment === undefined) throw new StreamSpaceError('unauthenticated', NOT_VALID);
  if (!enrolment.any) await store.credentials.set(agentId, credential.hash);
  else if (!(await store.credentials.setNew(agentId, credential.hash))) throw taken;
  return answer;
}
