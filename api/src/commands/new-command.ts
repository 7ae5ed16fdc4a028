import type { Action } from '@streamspace/protocol';
import { iso } from 'clock-port';
import type { HubDeps } from '../deps.ts';
import type { CommandRecord } from '../store/store.ts';

/** A new command, `pending`. `session`: its session; null for a command of the agent. `user`: the requesting user. */
export function newCommand(
  { clock, config, randomBytes }: Pick<HubDeps, 'clock' | 'config' | 'randomBytes'>,
  about: {
    action: Action;
    agent: string;
    session: string | null;
    user: string;
    traceId: string;
    payload?: CommandRecord['payload'];
    former?: CommandRecord['former'];
  },
): CommandRecord {
  const now = clock.now();
  return {
    id: `c-${randomBytes(12).toString('hex')}`,
    action: about.action,
    agent: about.agent,
    session: about.session,
    user: about.user,
    state: 'pending',
    attempt: 0,
    error: null,
    created_at: iso(now),
    updated_at: iso(now),
    expires_at: iso(now + config.commandTimeoutMs),
    trace_id: about.traceId,
    payload: about.payload ?? {},
    connection_id: null,
    ...(about.former !== undefined && { former: about.former }),
  };
}
