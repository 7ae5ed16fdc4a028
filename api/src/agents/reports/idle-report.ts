import { type AgentMessageOf, StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import { putOff } from '../../sessions/awake.ts';
import type { AgentLink } from '../link/link.ts';
import { acting, type ReportDeps } from './session-report.ts';

/**
 * `session_idle`: its agent will hibernate an unused session, or withdraws that [SES10]. `updated_at` stays, because it is the time of the state, and
 * this message must not override the agent's report of the state.
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

/** Tells the agent that a viewer wants the session to stay awake. Throws `conflict` for an agent without this feature. */
export function stayAwake(link: AgentLink, sessionId: string): void {
  if (link.version < 3)
    throw new StreamSpaceError(
      'conflict',
      `agent ${link.agentId} is of an older version: type or move the mouse in the session`,
    );
  link.tell({ type: 'session_used', session_id: sessionId });
}
