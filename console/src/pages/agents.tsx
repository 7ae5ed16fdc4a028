import { useEffect } from 'preact/hooks';
import type { Agent } from '@streamspace/protocol';
import { AgentFacts, ReplicaList } from '../parts/agent-facts.tsx';
import { AgentBadge } from '../parts/badge.tsx';
import { CapacityBars } from '../parts/capacity.tsx';
import { DrainButton } from '../parts/drain-button.tsx';
import { Empty, Problem } from '../parts/notice.tsx';
import { useConsole } from '../state/console.ts';
import { href } from '../state/route.ts';
import { useTitle } from '../state/title.ts';
import { counted } from '../words/quantities.ts';

export function AgentsPage() {
  const { world, live } = useConsole();
  useTitle('Agents');
  useFreshAgents();
  const agents = [...world.agents.value.values()].sort((a, b) => a.id.localeCompare(b.id));
  const online = agents.filter((agent) => agent.connected).length;
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Agents</h1>
          <p class="muted">
            {world.loaded.value ? `${counted(agents.length, 'agent')} · ${online} connected` : 'Looking…'}
          </p>
        </div>
      </div>
      {live.problem.value !== null && <Problem>{live.problem.value}</Problem>}
      {world.loaded.value && agents.length === 0 && (
        <Empty title="No agent has connected yet">
          <p>
            An agent runs where the desktops shall run, and dials in here. <code>npm start</code> brings one of its own;
            others need <code>AGENT_ID</code>, <code>CONTROL_PLANE_URL</code> and an enrolment token.
          </p>
        </Empty>
      )}
      <ul class="agents" aria-label="Agents">
        {agents.map((agent) => (
          <AgentRow key={agent.id} agent={agent} />
        ))}
      </ul>
    </>
  );
}

function AgentRow({ agent }: { agent: Agent }) {
  return (
    <li class="panel agent" data-testid="agent-row" data-agent-id={agent.id} data-connected={agent.connected}>
      <div class="agent-head">
        <h2>
          <a href={href.agent(agent.id)}>{agent.id}</a>
        </h2>
        <AgentBadge agent={agent} />
        <DrainButton agent={agent} />
      </div>
      <ReplicaList agent={agent} />
      <div class="agent-body">
        <AgentFacts agent={agent} />
        <CapacityBars agent={agent} />
      </div>
      <a class="more" href={href.agent(agent.id)}>
        Elections and failovers
      </a>
    </li>
  );
}

/** Load and heartbeats are not events: fetched while the page is visible. */
export function useFreshAgents(): void {
  const { live } = useConsole();
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) void live.refreshAgents();
    }, 10_000);
    void live.refreshAgents();
    let soon: ReturnType<typeof setTimeout> | undefined;
    const deaf = live.listen((event) => {
      if (!event.type.startsWith('session.')) return;
      clearTimeout(soon);
      soon = setTimeout(() => void live.refreshAgents(), 400);
    });
    return () => {
      clearInterval(timer);
      clearTimeout(soon);
      deaf();
    };
  }, []);
}
