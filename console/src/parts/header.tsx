import { useConsole } from '../state/console.ts';
import { href } from '../state/route.ts';
import { THEMES } from '../state/theme.ts';
import { Button } from './button.tsx';

export function Header() {
  const { account, leave, route } = useConsole();
  const page = route.value.page;
  const claims = account.claims.value;
  return (
    <header class="top">
      <a class="brand" href={href.sessions}>
        <Logo />
        <span>StreamSpace</span>
      </a>
      <nav aria-label="Pages">
        <a href={href.sessions} aria-current={page === 'sessions' ? 'page' : undefined}>
          Sessions
        </a>
        <a href={href.agents} aria-current={page === 'agents' ? 'page' : page === 'agent' ? 'true' : undefined}>
          Agents
        </a>
        <a href={href.audit} aria-current={page === 'audit' ? 'page' : undefined}>
          Audit
        </a>
      </nav>
      <div class="who">
        <LinkState />
        <ThemeButton />
        {claims && (
          <a
            class="user"
            href={href.people}
            aria-current={page === 'people' ? 'page' : undefined}
            data-testid="user"
            title={`Signed in as ${claims.user}: sign-ins`}
          >
            <b>{claims.name ?? claims.user}</b>
            <small>{account.admin.value ? 'admin' : 'user'}</small>
          </a>
        )}
        <Button icon="leave" kind="quiet" label="Sign out" testid="sign-out" onClick={() => void leave()} />
      </div>
    </header>
  );
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect x="2" y="4" width="28" height="20" rx="5" />
      <path d="M8 17c3.500 0 3.500-6 8-6s4.500 6 8 6" />
      <path class="foot" d="M11 28h10" />
    </svg>
  );
}

/** Whether the page is up to date. */
function LinkState() {
  const { live } = useConsole();
  const link = live.link.value;
  const words = link === 'live' ? 'Live' : link === 'down' ? 'Reconnecting' : 'Connecting';
  return (
    <span
      class={`link ${link}`}
      role="status"
      data-testid="live"
      title={link === 'live' ? 'Changes appear by themselves' : 'This page may be out of date'}
    >
      <span class="dot" aria-hidden="true" />
      <span>{words}</span>
    </span>
  );
}

export function ThemeButton() {
  const { theme } = useConsole();
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
  const words = { system: 'as the system', light: 'light', dark: 'dark' };
  return (
    <Button
      icon={theme.value}
      kind="quiet"
      label={`Colours: ${words[theme.value]}. Change to ${words[next]}`}
      testid="theme"
      onClick={() => {
        theme.value = next;
      }}
    />
  );
}
