import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Event } from '@streamspace/protocol';
import { AgentFacts, ReplicaList } from '../parts/agent-facts.tsx';
import { AgentBadge, StateBadge } from '../parts/badge.tsx';
import { CapacityBars } from '../parts/capacity.tsx';
import { DrainButton } from '../parts/drain-button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Problem } from '../parts/notice.tsx';
import { wordsOf } from '../words/sentence.ts';
import { useConsole } from '../state/console.ts';
import { href } from '../state/route.ts';
import { useTitle } from '../state/title.ts';
import { Timeline } from '../timeline/timeline.tsx';
import { useFreshAgents } from './agents.tsx';

/** Events of one agent that the page keeps; the hub's history is also bounded. */
const MAX_EVENTS = 2_000;

export function AgentPage({ id }: { id: string }) {
  const { world } = useConsole();
  useTitle(id);
  useFreshAgents();
  const { events, problem } = useTimeline(id);
  const agent = world.agents.value.get(id) ?? null;
  const sessions = world.newest.value.filter((session) => session.agent === id);

  if (world.loaded.value && agent === null) {
    return (
      <Empty title={`There is no agent “${id}”`}>
        <p>
          <a href={href.agents}>See all agents</a>
        </p>
      </Empty>
    );
  }
  return (
    <>
      <div class="page-head">
        <div>
          <a class="back" href={href.agents}>
            <Icon name="back" /> Agents
          </a>
          <h1>
            {id} {agent && <AgentBadge agent={agent} />}
          </h1>
        </div>
        <div class="page-actions">{agent && <DrainButton agent={agent} />}</div>
      </div>
      {agent && (
        <section class="panel agent">
          <ReplicaList agent={agent} />
          <div class="agent-body">
            <AgentFacts agent={agent} />
            <CapacityBars agent={agent} />
          </div>
          {agent.draining && (
            <p class="reason">It takes no new sessions until an admin puts it back online. What runs there goes on.</p>
          )}
        </section>
      )}
      {problem !== null && <Problem>The timeline could not be fetched: {problem}</Problem>}
      <Timeline agent={agent} events={events} />
      <section class="panel" aria-labelledby="agent-sessions">
        <header>
          <h2 id="agent-sessions">Sessions here</h2>
        </header>
        {sessions.length === 0 ? (
          <p class="muted pad">No sessions that you may see.</p>
        ) : (
          <ul class="lines">
            {sessions.map((session) => (
              <li key={session.id}>
                <a href={href.viewer(session.id)}>{session.name || session.id}</a>
                <span class="muted">{session.user}</span>
                <StateBadge state={session.state} />
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

/** The agent's kept events, and every new one. */
function useTimeline(id: string): { events: readonly Event[]; problem: string | null } {
  const { hub, live } = useConsole();
  const events = useSignal<ReadonlyMap<number, Event>>(new Map());
  const problem = useSignal<string | null>(null);
  const link = live.link.value;
  const epoch = live.epoch.value;
  useEffect(() => {
    events.value = new Map();
  }, [id, epoch]);
  useEffect(() => {
    const add = (more: readonly Event[]) => {
      const all = new Map(events.value);
      for (const event of more) all.set(event.id, event);
      events.value = new Map([...all].sort(([a], [b]) => a - b).slice(-MAX_EVENTS));
    };
    const deaf = live.listen((event) => {
      if (event.agent === id && event.type.startsWith('agent.')) add([event]);
    });
    hub.timeline(id).then(
      (past) => {
        problem.value = null;
        add(past);
      },
      (error: unknown) => {
        problem.value = wordsOf(error);
      },
    );
    return deaf;
    // Again when the stream is back: events may be missing.
  }, [id, epoch, link === 'live']);
  return { events: [...events.value.values()], problem: problem.value };
}
