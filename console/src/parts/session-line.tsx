import type { Session } from '@streamspace/protocol';
import { useConsole } from '../state/console.ts';
import { href } from '../state/route.ts';
import { ago } from '../words/quantities.ts';
import { allowedOn } from '../words/session.ts';
import { StateBadge } from './badge.tsx';
import { SessionName } from './session-name.tsx';

interface SessionLineProps {
  session: Session;
  showUser: boolean;
  selected: boolean;
  onSelect: (selected: boolean) => void;
}

/** A session in one line of a long list. */
export function SessionLine({ session, showUser, selected, onSelect }: SessionLineProps) {
  const { world, now } = useConsole();
  const template = world.templates.value.get(session.template)?.name ?? session.template;
  const name = session.name || template;
  return (
    <li class="session-line" data-testid="session-row" data-session-id={session.id} data-state={session.state}>
      <input
        type="checkbox"
        aria-label={`Select ${name}`}
        data-testid="select-session"
        checked={selected}
        onChange={(event) => onSelect(event.currentTarget.checked)}
      />
      <SessionName session={session} name={name}>
        {allowedOn(session.state).open ? (
          <a href={href.viewer(session.id)} data-testid="open-session">
            <bdi>{name}</bdi>
          </a>
        ) : (
          <bdi>{name}</bdi>
        )}
      </SessionName>
      <span class="muted">
        {template} · {session.agent}
        {showUser && (
          <>
            {' · '}
            <bdi>{session.user}</bdi>
          </>
        )}
      </span>
      <time class="muted" dateTime={session.created_at}>
        {ago(Date.parse(session.created_at), now.value)}
      </time>
      <StateBadge state={session.state} />
    </li>
  );
}
