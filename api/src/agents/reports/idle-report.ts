import { type AgentMessageOf, StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import { putOff } from '../../sessions/awake.ts';
import type { AgentLink } from '../link/link.ts';
import { acting, type ReportDeps } from './session-report.ts';

/**
 * `session_idle`: its agent is about to hibernate a session that nobody uses, or not any more [SES10]. `updated_at` stays: that is of the state, and
 * what the agent says of that must not lose against this.
 */
export async function sessionIdle(
  deps: ReportDeps,
  link: AgentLink,
  { session_id: id, sleeps_in_ms: inMs }: AgentMessageOf<'session_idle'>,
): Promise<void> {
  if (!(await acting(deps, link))) return;
  const known = await deps.store.sessions.get(id);
  if (known === undefined || known.agent !== link.agentId) return;
  if (inMs === undefined) return void (await putOff(deps, known));
  if (known.state !== 'running') return;
  const changed = await deps.store.sessions.update(id, { sleeps_at: iso(deps.clock.now() + inMs) });
  if (changed !== undefined) await deps.publish.session(changed);
}

/** Tells the agent that somebody wants the session to stay awake. Throws `conflict` for an agent that does not know what that is. */
export function stayAwake(link: AgentLink, sessionId: string): void {
  if (link.version < 3)
    throw new StreamSpaceError(
      'conflict',
      `agent ${link.agentId} is of an older version: type or move the mouse in the session`,
    );
  link.tell({ type: 'session_used', session_id: sessionId });
}
