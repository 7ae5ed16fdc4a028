import type { Agent, Command, Session } from '@streamspace/protocol';
import { progressOf } from '../words/session.ts';
import { sentence } from '../words/sentence.ts';
import type { ScreenPhase } from './phase.ts';
import { keysLost } from './typing.ts';

/** The overlay of an unusable screen. */
export interface Overlay {
  kind: 'looking' | 'connecting' | 'silent' | 'reconnecting' | 'waiting' | 'hibernated' | 'failed' | 'stopped' | 'gone';
  title: string;
  text: string;
  /** In progress: ends by itself. */
  busy: boolean;
  action: 'wake' | 'reconnect' | 'back' | null;
}

export interface Situation {
  /** Undefined: not known yet; null: the hub has no such session. */
  session: Session | null | undefined;
  command: Command | undefined;
  agent: Agent | undefined;
  phase: ScreenPhase;
  /** Keys typed while the screen was away. */
  lostKeys: number;
}

/** The overlay for a situation; null while the screen is connected. */
export function overlayOf(situation: Situation): Overlay | null {
  const overlay = withoutKeys(situation);
  if (overlay === null || situation.lostKeys === 0) return overlay;
  return { ...overlay, text: `${overlay.text} ${keysLost(situation.lostKeys)}`.trim() };
}

function withoutKeys({ session, command, agent, phase }: Situation): Overlay | null {
  if (session === undefined)
    return { kind: 'looking', title: 'Looking for the session…', text: '', busy: true, action: null };
  if (session === null || session.state === 'gone' || session.state === 'deleting')
    return gone(session?.state === 'deleting');
  switch (session.state) {
    case 'running':
      return overlayOfPhase(phase, agent);
    case 'hibernated':
      return {
        kind: 'hibernated',
        title: 'This session is asleep',
        text: session.reason ?? 'Its home folder is kept, and it uses no CPU and no memory.',
        busy: false,
        action: 'wake',
      };
    case 'failed':
      return {
        kind: 'failed',
        title: 'This session failed',
        text: session.reason === null ? 'The agent gave no reason.' : sentence(session.reason),
        busy: false,
        action: 'wake',
      };
    case 'pending':
    case 'starting':
    case 'waking':
    case 'hibernating': {
      const titles = {
        pending: 'Waiting for its agent…',
        starting: 'Starting…',
        waking: 'Waking…',
        hibernating: 'Going to sleep…',
      };
      return {
        kind: 'waiting',
        title: titles[session.state],
        text: progressOf(session, command, agent) ?? '',
        busy: true,
        action: null,
      };
    }
  }
}

function overlayOfPhase(phase: ScreenPhase, agent: Agent | undefined): Overlay | null {
  switch (phase.kind) {
    case 'connected':
      return null;
    case 'silent':
      return {
        kind: 'silent',
        title: 'The hub does not answer',
        text: 'The connection is silent. Keys wait until the hub answers or a new connection opens.',
        busy: true,
        action: 'reconnect',
      };
    case 'connecting':
      return { kind: 'connecting', title: 'Connecting…', text: 'Opening the screen.', busy: true, action: null };
    case 'reconnecting': {
      const away = agent !== undefined && !agent.connected && phase.attempt > 4;
      return {
        kind: 'reconnecting',
        title: phase.title ?? 'Reconnecting…',
        text: away
          ? `Agent ${agent.id} is away. The screen comes back with it; the desktop goes on running.`
          : sentence(phase.words),
        busy: true,
        action: null,
      };
    }
    case 'stopped':
      return {
        kind: 'stopped',
        title: 'The screen is closed',
        text: sentence(phase.words),
        busy: false,
        action: 'reconnect',
      };
    case 'gone':
      return gone(false);
  }
}

function gone(underWay: boolean): Overlay {
  return underWay
    ? { kind: 'gone', title: 'This session is being deleted', text: '', busy: true, action: 'back' }
    : {
        kind: 'gone',
        title: 'This session is gone',
        text: 'It was deleted, or it is not yours.',
        busy: false,
        action: 'back',
      };
}
