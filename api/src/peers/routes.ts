import { StreamSpaceError } from '@streamspace/protocol';
import type { Clock } from 'clock-port';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { stayAwake } from '../agents/reports/idle-report.ts';
import type { Roster } from '../agents/fleet/roster.ts';
import type { Rotations } from '../agents/fleet/rotation.ts';
import type { SessionPictures } from '../agents/reports/session-pictures.ts';
import { pictureAnswer } from './picture.ts';
import type { PeerClaims, PeerGuard, Purpose } from './credential.ts';

/** Longest wait for an agent's answer to a ping, on request of another hub replica, milliseconds. */
const PROBE_MS = 2_000;

export interface PeerRouteDeps {
  readonly guard: PeerGuard;
  readonly clock: Clock;
  readonly roster: Roster;
  readonly rotations: Rotations;
  readonly pictures: SessionPictures;
  /** Whether this replica is sending its agents elsewhere. */
  readonly draining: () => boolean;
}

/**
 * POST /internal/v1/…: requests of other hub replicas to the one that holds an agent, on a separate port. The signed credential contains the whole request; there is no body.
 * Requests are never forwarded: an agent that is no longer connected here is `agent_offline`.
 */
export function peerRoutes(
  app: FastifyInstance,
  { guard, clock, roster, rotations, pictures, draining }: PeerRouteDeps,
): void {
  const answer: Record<Exclude<Purpose, 'screen'>, (claims: PeerClaims) => Promise<object>> = {
    async probe({ agent, connection }) {
      const link = roster.get(agent);
      return {
        leaving: draining(),
        alive: link !== undefined && link.connectionId === connection && (await link.probe(PROBE_MS)),
      };
    },
    async supersede({ agent, connection, reason }) {
      if (connection !== undefined) roster.supersede(agent, connection, reason ?? 'another connection was accepted');
      return {};
    },
    async rotate({ agent }) {
      const link = roster.get(agent);
      if (link === undefined) throw new StreamSpaceError('agent_offline', `agent ${agent} is not connected here`);
      await rotations.rotate(link);
      return {};
    },
    async awake({ agent, session }) {
      const link = roster.get(agent);
      if (link === undefined) throw new StreamSpaceError('agent_offline', `agent ${agent} is not connected here`);
      if (session !== undefined) stayAwake(link, session);
      return {};
    },
    async picture({ agent, session }) {
      const link = roster.get(agent);
      if (link === undefined || session === undefined)
        throw new StreamSpaceError('agent_offline', `agent ${agent} is not connected here`);
      return pictureAnswer(await pictures.of(link, session));
    },
    async close({ agent, reason }) {
      roster.end(agent, new StreamSpaceError('unauthenticated', reason ?? 'the credential was revoked'));
      return {};
    },
  };
  const proven = new WeakMap<FastifyRequest, PeerClaims>();
  for (const purpose of Object.keys(answer) as Exclude<Purpose, 'screen'>[]) {
    app.post(`/internal/v1/${purpose}`, {
      schema: { hide: true },
      config: { access: 'open' },
      // before the body is read: the requests have none
      onRequest: async (request) =>
        void proven.set(request, guard.check(request.headers.authorization, purpose, clock.now())),
      handler: (request) => answer[purpose](proven.get(request)!),
    });
  }
}
