import type { Agent, SessionIsolation } from '@streamspace/protocol';
import { useConsole } from '../state/console.ts';
import { ago } from '../words/quantities.ts';

const ISOLATION: Record<SessionIsolation, string> = {
  isolated: 'isolated from each other',
  one_user: 'not isolated: of one user only',
  refused: 'none: isolation is required, and does not work there',
  shared: 'not isolated: users can read each other’s files',
};

/** An agent's site, and the time of its last message. */
export function AgentFacts({ agent }: { agent: Agent }) {
  const { now } = useConsole();
  return (
    <dl class="facts">
      {agent.status_reason !== null && (
        <>
          <dt>Status</dt>
          <dd data-testid="agent-status-reason">{agent.status_reason}</dd>
        </>
      )}
      <dt>Region</dt>
      <dd>{agent.region || 'none'}</dd>
      <dt>Platform</dt>
      <dd>{agent.platform}</dd>
      <dt>Priority</dt>
      <dd>{agent.priority}</dd>
      {agent.isolation !== undefined && (
        <>
          <dt>Sessions</dt>
          <dd data-testid="agent-isolation">{ISOLATION[agent.isolation]}</dd>
        </>
      )}
      <dt>Heartbeat</dt>
      <dd>
        {agent.last_heartbeat === null ? (
          'never'
        ) : (
          <time dateTime={agent.last_heartbeat}>{ago(Date.parse(agent.last_heartbeat), now.value)}</time>
        )}
      </dd>
    </dl>
  );
}

/** The replicas of an agent: the leader with its term, and the standbys. */
export function ReplicaList({ agent }: { agent: Agent }) {
  if (!agent.connected || agent.leader === null) {
    return (
      <div class="replicas">
        <span class="replica none">No leader is connected</span>
        {agent.term > 0 && (
          <span class="replica">
            last {agent.leader !== null && <b>{agent.leader}, </b>}term {agent.term}
          </span>
        )}
      </div>
    );
  }
  const standbys = agent.replicas.filter((replica) => replica.name !== agent.leader);
  return (
    <div class="replicas">
      <span class="replica leader" data-testid="agent-leader" data-replica={agent.leader}>
        <b>{agent.leader}</b> leads · <span class="term">term {agent.term}</span>
      </span>
      {standbys.map((replica) => (
        <span key={replica.name} class="replica" data-testid="agent-standby">
          {replica.name} <small>standby</small>
        </span>
      ))}
      {standbys.length === 0 && (
        <span class="replica alone">{agent.election === null ? 'no leader election' : 'no standby'}</span>
      )}
    </div>
  );
}
