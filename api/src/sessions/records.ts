import type { CreateSession, Session, SessionSpec, Template } from '@streamspace/protocol';
import { iso } from 'clock-port';
import type { HubDeps } from '../deps.ts';
import type { AgentRecord } from '../store/store.ts';
import { imageFor } from './templates.ts';

type Deps = Pick<HubDeps, 'clock' | 'config' | 'randomBytes'>;

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
export function specFor(session: Session, template: Template): SessionSpec {
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
