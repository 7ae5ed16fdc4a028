import { StreamSpaceError } from '@streamspace/protocol';
import { CREDENTIALS, type Store } from '../store/store.ts';
import { credentialAgent, sameHash, sha256Hex } from './secrets.ts';

const remedy =
  'enrol the agent (POST /api/v1/agents/enrol with an enrolment token) and give it the credential as AGENT_TOKEN';

export const revoked = (agentId: string): StreamSpaceError =>
  new StreamSpaceError(
    'unauthenticated',
    `the credential of agent ${agentId} was revoked, or another was enrolled in its place: enrol it again`,
  );

/**
 * Whether the credential of a connection (its hash; undefined: none is known) is one that the agent has now: its replicas', or one of a
 * rotation under way. One that is in use does not give way to those of other replicas.
 */
export async function stillValid(
  store: Pick<Store, 'credentials'>,
  { agentId, credentialHash: hash }: { agentId: string; credentialHash: string | undefined },
): Promise<boolean> {
  if (hash === undefined) return true;
  const known = await store.credentials.get(agentId);
  if (!validHashes(known).includes(hash)) return false;
  // long before its turn to go comes
  if (known!.others.indexOf(hash) >= CREDENTIALS / 2) await store.credentials.used(agentId, hash);
  return true;
}

type Known = Awaited<ReturnType<Store['credentials']['get']>>;

const validHashes = (known: Known): string[] =>
  known === undefined ? [] : [known.current, ...(known.next === undefined ? [] : [known.next.hash]), ...known.others];

/** The agent id of a bearer credential, valid now: one of its replicas', or during a rotation the next. Rejects with `unauthenticated`. */
export async function authenticateAgent(
  store: Pick<Store, 'credentials'>,
  bearer: string | undefined,
): Promise<string> {
  if (bearer === undefined || bearer === '') throw new StreamSpaceError('unauthenticated', `no credential: ${remedy}`);
  const agentId = credentialAgent(bearer);
  if (agentId === undefined)
    throw new StreamSpaceError('unauthenticated', `this is not an agent's credential: ${remedy}`);
  const hash = sha256Hex(bearer);
  const valid = validHashes(await store.credentials.get(agentId)).filter((candidate) => sameHash(candidate, hash));
  if (valid.length === 0)
    throw new StreamSpaceError(
      'unauthenticated',
      `the credential of agent ${agentId} is not valid (any more): ${remedy}`,
    );
  return agentId;
}
