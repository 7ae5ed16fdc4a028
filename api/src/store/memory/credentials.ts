import { parseIso } from 'clock-port';
import type { CredentialStore } from '../store.ts';

interface Credential {
  /** Undefined once revoked: the agent id stays known, so that a token for new agents can't bring it back. */
  current: string | undefined;
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
      return { current: credential.current, ...(credential.next && { next: credential.next }) };
    },

    async set(agentId, hash) {
      credentials.set(agentId, { current: hash });
    },

    async setNew(agentId, hash) {
      if (credentials.has(agentId)) return false;
      credentials.set(agentId, { current: hash });
      return true;
    },

    async beginRotation(agentId, next) {
      const current = credentials.get(agentId)?.current;
      if (current !== undefined) credentials.set(agentId, { current, next });
    },

    async finishRotation(agentId, rotationId) {
      const next = credentials.get(agentId)?.next;
      if (next?.rotationId !== rotationId) return false;
      credentials.set(agentId, { current: next.hash });
      return true;
    },

    async revoke(agentId) {
      if (credentials.has(agentId)) credentials.set(agentId, { current: undefined });
    },
  };
}
