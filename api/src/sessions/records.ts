import type { Action, CreateSession, Session, SessionSpec, Template } from '@streamspace/protocol';
import { iso } from 'clock-port';
import type { HubDeps } from '../deps.ts';
import type { AgentRecord, CommandRecord } from '../store/store.ts';
import { imageFor } from './templates.ts';

type Deps = Pick<HubDeps, 'clock' | 'config' | 'randomBytes'>;

/** A new command, `pending`, for the session's agent. `user`: who asked. */
export function newCommand(
  { clock, config, randomBytes }: Deps,
  about: {
    action: Action;
    session: Pick<Session, 'id' | 'agent'>;
    user: string;
    traceId: string;
    payload?: CommandRecord['payload'];
  },
): CommandRecord {
  const now = clock.now();
  return {
    id: `c-${randomBytes(12).toString('hex')}`,
    action: about.action,
    agent: about.session.agent,
    session: about.session.id,
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
  };
}

/** What a new session needs, by the user's wish and the template. */
export function needsOf(wish: CreateSession, template: Template): { cpu: number; memory: number; storage: number } {
  return {
    cpu: wish.cpu ?? template.cpu,
    memory: wish.memory ?? template.memory,
    storage: wish.storage ?? template.storage,
  };
}

/** A new session on that agent, `pending`. */
export function newSession(
  { clock, randomBytes }: Deps,
  wish: CreateSession,
  template: Template,
  agent: Pick<AgentRecord, 'id' | 'platform' | 'region'>,
  user: string,
): Session {
  const now = iso(clock.now());
  return {
    id: `s-${randomBytes(8).toString('hex')}`,
    name: wish.name ?? template.name,
    user,
    template: template.id,
    agent: agent.id,
    platform: agent.platform,
    region: agent.region,
    state: 'pending',
    reason: null,
    ...needsOf(wish, template),
    created_at: now,
    updated_at: now,
    command: null,
  };
}

/** What the agent is told of a session. */
export function specOf(session: Session, template: Template): SessionSpec {
  const { id, user, name, cpu, memory, storage, created_at } = session;
  return {
    id,
    user,
    template: template.id,
    name,
    cpu,
    memory,
    storage,
    image: imageFor(template, session.platform),
    env: template.env,
    created_at,
  };
}
