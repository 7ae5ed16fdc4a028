import {
  type AgentMessage,
  type AgentMessageOf,
  asStreamSpaceError,
  LIMITS,
  negotiateVersion,
  StreamSpaceError,
} from '@streamspace/protocol';
import { type Clock, iso, parseIso, withDeadline } from 'clock-port';
import type { Claim, ClaimResult, Store } from '../../store/store.ts';
import type { AgentLink, LinkOwner } from '../link/link.ts';
import { denied, foreignAgent, noCommonVersion, type HelloRefusal, trouble } from './refusal.ts';
import type { Turns } from '../../flow/turns.ts';

/** Milliseconds for the holder of an agent id to answer when another connection wants the id [TERM4]. */
const PROBE_MS = 2_000;
/** Milliseconds for the store to answer a claim. */
const CLAIM_MS = 10_000;

export interface HandshakeDeps {
  readonly store: Pick<Store, 'agents'>;
  readonly clock: Clock;
  readonly hub: string;
  readonly heartbeatMs: number;
  /** Handshakes of one agent id run one after the other, so that the store's order is the hub's. */
  readonly turns: Turns;
  /** The live link of an agent id here, if there is one. */
  holder(agentId: string): AgentLink | undefined;
  /**
   * Whether a connection at another hub replica answers, and whether that replica has asked the agent to connect elsewhere. Rejects when that
   * replica gives no answer.
   */
  probe(hub: string, agentId: string, connectionId: string): Promise<{ alive: boolean; leaving: boolean }>;
  /**
   * The link was accepted: welcomes it, and gives it its place instead of `previous`, at whichever hub replica that is. Called within the
   * agent's turn.
   */
  accepted(link: AgentLink, hello: AgentMessageOf<'hello'>, previous: Accepted['previous']): void;
  refused(link: AgentLink, hello: AgentMessageOf<'hello'>, refusal: HelloRefusal): void;
}

type Accepted = Extract<ClaimResult, { accepted: true }>;

/** Owner of one new link, its first: from the accepted upgrade to `welcome` or `refuse` [CON1]. */
export function handshake(deps: HandshakeDeps): LinkOwner & { begin: (link: AgentLink) => void } {
  let hello: AgentMessageOf<'hello'> | undefined;
  let helloTimer: { cancel(): void } | undefined;

  return {
    begin(link) {
      helloTimer = deps.clock.setTimeout(
        () =>
          link.end(
            new StreamSpaceError('hello_timeout', `no hello within ${LIMITS.helloMs / 1000} s of the connection`),
          ),
        LIMITS.helloMs,
      );
    },
    message(link, message: AgentMessage) {
      if (hello !== undefined)
        throw new StreamSpaceError('invalid_request', `a ${message.type} before the welcome: wait for it`);
      if (message.type !== 'hello')
        throw new StreamSpaceError('invalid_request', `a ${message.type} instead of the hello`);
      hello = message;
      helloTimer?.cancel();
      void decide(deps, link, hello);
    },
    closed() {
      helloTimer?.cancel();
    },
  };
}

async function decide(deps: HandshakeDeps, link: AgentLink, hello: AgentMessageOf<'hello'>): Promise<void> {
  const version = negotiateVersion(hello.versions);
  if (hello.agent_id !== link.agentId) return deps.refused(link, hello, foreignAgent(hello, link.agentId));
  if (version === undefined) return deps.refused(link, hello, noCommonVersion(hello));
  try {
    await deps.turns.run(link.agentId, async () => {
      if (!link.open) return;
      const claim = await claimAgent(deps, link, hello);
      if (!claim.accepted) return deps.refused(link, hello, denied(hello, claim));
      link.version = version;
      link.term = claim.term;
      link.replica = hello.replica;
      link.since = iso(deps.clock.now());
      link.hello = hello;
      deps.accepted(link, hello, claim.previous);
    });
  } catch (error) {
    deps.refused(link, hello, trouble(asStreamSpaceError(error, 'store_unavailable')));
  }
}

/** Claims at the store, with a time-out. A late acceptance is undone: no record may name a link that does not exist. */
async function claimInTime(deps: HandshakeDeps, claim: Claim): Promise<ClaimResult> {
  const { store, clock } = deps;
  let late = false;
  try {
    return await withDeadline(clock, CLAIM_MS, 'the store', undefined, async () => {
      const result = await store.agents.claim(claim);
      if (late && result.accepted) await store.agents.release(claim.agentId, claim.connectionId, iso(clock.now()));
      return result;
    });
  } finally {
    late = true;
  }
}

async function claimAgent(deps: HandshakeDeps, link: AgentLink, hello: AgentMessageOf<'hello'>): Promise<ClaimResult> {
  const claim = (takeover: boolean | string) =>
    claimInTime(deps, {
      agentId: link.agentId,
      term: hello.term,
      replica: hello.replica,
      connectionId: link.connectionId,
      hub: deps.hub,
      takeover,
      hello,
      at: iso(deps.clock.now()),
    });
  const first = await claim(false);
  if (first.accepted || first.code !== 'duplicate_agent') return first;
  return (await alive(deps, link.agentId, first, hello.replica)) ? first : claim(first.connectionId ?? true);
}

/** Whether the connection that holds the agent id answers. */
async function alive(
  deps: HandshakeDeps,
  agentId: string,
  { connectionId, replica: holds }: { connectionId?: string; replica: string },
  comes: string,
): Promise<boolean> {
  const holder = deps.holder(agentId);
  if (holder !== undefined && holder.connectionId === connectionId) return holder.probe(PROBE_MS);
  const record = await deps.store.agents.get(agentId);
  if (record === undefined || record.hub === null || record.hub === deps.hub || connectionId === undefined)
    return false;
  try {
    const there = await deps.probe(record.hub, agentId, connectionId);
    // the same agent, sent here by a stopping replica [CON8]
    return there.alive && !(there.leaving && holds === comes);
  } catch {
    // that replica is reachable but refuses to answer (another secret, a clock that is off): the agent's heartbeats decide
    const heard = record.last_heartbeat ?? record.connected_since;
    return heard !== null && deps.clock.now() - parseIso(heard) <= 3 * deps.heartbeatMs;
  }
}
