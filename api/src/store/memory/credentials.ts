import { parseIso } from 'clock-port';
import { type CredentialStore, CREDENTIALS } from '../store.ts';

interface Credential {
  /** Undefined once revoked: the agent id stays known, so that a token for new agents can't bring it back. */
  current: string | undefined;
  /** The replica that has it, if it sent its name. */
  replica?: string;
  others?: readonly { replica: string | undefined; hash: string }[];
  next?: { hash: string; rotationId: string };
}

interface Enrolment {
  agentId: string | null;
  expiresAt: string;
  uses: number;
}

export function memoryCredentials(): CredentialStore {
  const credentials = new Map<string, Credential>();
  const enrolments = new Map<string, Enrolment>();

  return {
    async putEnrolment(hash, enrolment) {
      enrolments.set(hash, { ...enrolment });
    },

    async hasEnrolment(hash, at) {
      const enrolment = enrolments.get(hash);
      return enrolment !== undefined && parseIso(enrolment.expiresAt) > parseIso(at);
    },

    async takeEnrolment(hash, agentId, at) {
      const now = parseIso(at);
      for (const [each, { expiresAt }] of enrolments) if (parseIso(expiresAt) <= now) enrolments.delete(each);
      const enrolment = enrolments.get(hash);
      if (enrolment === undefined) return undefined;
      if (enrolment.agentId === null ? credentials.has(agentId) : enrolment.agentId !== agentId) return undefined;
      enrolment.uses -= 1;
      if (enrolment.uses <= 0) enrolments.delete(hash);
      return { any: enrolment.agentId === null };
    },

    async get(agentId) {
      const credential = credentials.get(agentId);
      if (credential?.current === undefined) return undefined;
      const { current, next, others = [] } = credential;
      return { current, ...(next && { next }), others: others.map(({ hash }) => hash) };
    },

    async set(agentId, hash, replica) {
      if (replica === undefined) return void credentials.set(agentId, { current: hash });
      const before = credentials.get(agentId);
      const had = [{ replica: before?.replica, hash: before?.current }, ...(before?.others ?? [])];
      const others = had.flatMap((each) =>
        each.hash === undefined || each.replica === replica ? [] : [{ replica: each.replica, hash: each.hash }],
      );
      credentials.set(agentId, {
        current: hash,
        replica,
        others: others.slice(0, CREDENTIALS - 1),
        ...(before?.next && { next: before.next }),
      });
    },

    async setNew(agentId, hash) {
      if (credentials.has(agentId)) return false;
      credentials.set(agentId, { current: hash });
      return true;
    },

    async used(agentId, hash) {
      const before = credentials.get(agentId);
      const used = before?.others?.find((each) => each.hash === hash);
      if (before?.current === undefined || used === undefined) return;
      const { replica, current, ...rest } = before;
      const others = [{ replica, hash: current }, ...before.others!.filter((each) => each !== used)];
      credentials.set(agentId, {
        ...rest,
        current: hash,
        ...(used.replica !== undefined && { replica: used.replica }),
        others,
      });
    },

    async beginRotation(agentId, next) {
      const before = credentials.get(agentId);
      if (before?.current !== undefined) credentials.set(agentId, { ...before, next });
    },

    async finishRotation(agentId, rotationId) {
      const next = credentials.get(agentId)?.next;
      if (next?.rotationId !== rotationId) return undefined;
      credentials.set(agentId, { current: next.hash });
      return next.hash;
    },

    async revoke(agentId) {
      if (credentials.has(agentId)) credentials.set(agentId, { current: undefined });
    },
  };
}
