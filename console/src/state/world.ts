import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Accepted, Agent, Command, Event, Session, Template } from '@streamspace/protocol';

type Map_<T> = ReadonlyMap<string, T>;

/** The hub's data: lists at (re)connect, then every event on top. */
export interface World {
  readonly agents: ReadonlySignal<Map_<Agent>>;
  readonly sessions: ReadonlySignal<Map_<Session>>;
  readonly templates: ReadonlySignal<Map_<Template>>;
  /** Latest known command of each session, by session id. */
  readonly commands: ReadonlySignal<Map_<Command>>;
  /** False until the first lists have arrived. */
  readonly loaded: ReadonlySignal<boolean>;
  /** Sessions, newest first. */
  readonly newest: ReadonlySignal<readonly Session[]>;
  fill(lists: { agents?: Agent[]; sessions?: Session[]; templates?: Template[] }): void;
  apply(event: Event): void;
  /** The answer to this user's own action. */
  accept(answer: Accepted): void;
  setAgent(agent: Agent): void;
  setSession(session: Session): void;
  clear(): void;
}

const byId = <T extends { id: string }>(items: readonly T[]) => new Map(items.map((item) => [item.id, item]));

export function createWorld(): World {
  const agents = signal<Map_<Agent>>(new Map());
  const sessions = signal<Map_<Session>>(new Map());
  const templates = signal<Map_<Template>>(new Map());
  const commands = signal<Map_<Command>>(new Map());
  const loaded = signal(false);

  const putSession = (session: Session) => {
    const known = sessions.value.get(session.id);
    if (known && known.updated_at > session.updated_at) return;
    sessions.value = new Map(sessions.value).set(session.id, session);
  };
  const dropSession = (id: string) => {
    const rest = new Map(sessions.value);
    if (rest.delete(id)) sessions.value = rest;
    const open = new Map(commands.value);
    if (open.delete(id)) commands.value = open;
  };
  const putCommand = (command: Command) => {
    if (command.session === null) return;
    const known = commands.value.get(command.session);
    if (known && known.created_at > command.created_at) return;
    if (known?.id === command.id && known.updated_at > command.updated_at) return;
    commands.value = new Map(commands.value).set(command.session, command);
  };
  const setAgent = (agent: Agent) => {
    agents.value = new Map(agents.value).set(agent.id, agent);
  };

  return {
    agents,
    sessions,
    templates,
    commands,
    loaded,
    newest: computed(() => [...sessions.value.values()].sort((a, b) => b.created_at.localeCompare(a.created_at))),
    setAgent,
    setSession: putSession,
    fill(lists) {
      if (lists.agents) agents.value = byId(lists.agents);
      if (lists.sessions) sessions.value = byId(lists.sessions.filter((session) => session.state !== 'gone'));
      if (lists.templates) templates.value = byId(lists.templates);
      loaded.value = true;
    },
    apply(event) {
      switch (event.type) {
        case 'agent.registered':
        case 'agent.updated':
          return setAgent(event.data as unknown as Agent);
        case 'agent.disconnected': {
          const agent = event.agent === null ? undefined : agents.value.get(event.agent);
          if (agent) setAgent({ ...agent, connected: false, status: 'offline', leader: null });
          return;
        }
        case 'session.updated':
          return putSession(event.data as unknown as Session);
        case 'session.gone':
          return event.session === null ? undefined : dropSession(event.session);
        case 'command.updated':
          return putCommand(event.data as unknown as Command);
      }
    },
    accept(answer) {
      putSession(answer.session);
      putCommand(answer.command);
    },
    clear() {
      agents.value = sessions.value = templates.value = commands.value = new Map<string, never>();
      loaded.value = false;
    },
  };
}
