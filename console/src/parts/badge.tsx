import type { Agent, SessionState } from '@streamspace/protocol';
import { STATE_WORDS, type Tone } from '../words/session.ts';

function Badge({ tone, children, testid }: { tone: Tone; children: string; testid?: string }) {
  return (
    <span class={`badge ${tone}`} data-testid={testid}>
      <span class="dot" aria-hidden="true" />
      {children}
    </span>
  );
}

export function StateBadge({ state }: { state: SessionState }) {
  return (
    <Badge tone={STATE_WORDS[state].tone} testid="session-state">
      {STATE_WORDS[state].label}
    </Badge>
  );
}

export function AgentBadge({ agent }: { agent: Agent }) {
  const [tone, words] = agentWords(agent);
  return (
    <Badge tone={tone} testid="agent-status">
      {words}
    </Badge>
  );
}

function agentWords(agent: Agent): [Tone, string] {
  if (!agent.connected) return ['bad', 'Offline'];
  if (agent.draining) return ['rest', 'Draining'];
  switch (agent.status) {
    case 'online':
      return ['good', 'Online'];
    case 'warning':
      return ['busy', 'Warning'];
    case 'error':
      return ['bad', 'Error'];
    case 'offline':
      return ['rest', 'Offline'];
  }
}
