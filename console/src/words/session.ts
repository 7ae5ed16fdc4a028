import type { Agent, Command, Session, SessionState } from '@streamspace/protocol';
import { ordinal } from './quantities.ts';
import { sentence } from './sentence.ts';

/** The look of a state: `busy` changes by itself, `rest` waits for the user. */
export type Tone = 'good' | 'busy' | 'rest' | 'bad';

export const STATE_WORDS: Readonly<Record<SessionState, { label: string; tone: Tone }>> = {
  pending: { label: 'Waiting', tone: 'busy' },
  starting: { label: 'Starting', tone: 'busy' },
  running: { label: 'Running', tone: 'good' },
  hibernating: { label: 'Going to sleep', tone: 'busy' },
  hibernated: { label: 'Hibernated', tone: 'rest' },
  waking: { label: 'Waking', tone: 'busy' },
  deleting: { label: 'Deleting', tone: 'busy' },
  gone: { label: 'Gone', tone: 'rest' },
  failed: { label: 'Failed', tone: 'bad' },
};

function isBusy(state: SessionState): boolean {
  return STATE_WORDS[state].tone === 'busy';
}

/** A user's possible actions on a session in this state. */
export function allowedOn(state: SessionState): { open: boolean; hibernate: boolean; wake: boolean; remove: boolean } {
  return {
    open: state !== 'failed' && state !== 'deleting' && state !== 'gone',
    hibernate: state === 'running',
    wake: state === 'hibernated' || state === 'failed',
    remove: state !== 'deleting' && state !== 'gone',
  };
}

const DOING: Readonly<Record<Command['action'], string>> = {
  create_session: 'is starting the desktop',
  delete_session: 'is removing it',
  hibernate_session: 'is putting it to sleep',
  wake_session: 'is waking it',
  list_sessions: 'is looking at what runs',
};

/** The progress of a changing session, in one sentence; null without a change. */
export function progressOf(session: Session, command: Command | undefined, agent: Agent | undefined): string | null {
  if (!isBusy(session.state)) return null;
  const who = session.agent;
  if (session.reason) return sentence(session.reason);
  const waiting = command === undefined || command.state === 'pending' || command.state === 'sent';
  if (waiting && agent && !agent.connected) return `Accepted; agent ${who} is away and does it when it is back`;
  if (!command) return `With agent ${who}`;
  switch (command.state) {
    case 'pending':
      return `Accepted; waiting for agent ${who} to take it`;
    case 'sent':
      return command.attempt > 1
        ? `Handed to agent ${who} for the ${ordinal(command.attempt)} time, after its connection changed`
        : `Handed to agent ${who}`;
    case 'ack':
      return `Agent ${who} ${DOING[command.action]}`;
    case 'completed':
      return `Agent ${who} is done; nearly there`;
    case 'failed':
      return command.error?.message ?? 'It failed';
  }
}
