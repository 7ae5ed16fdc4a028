import { useEffect } from 'preact/hooks';
import { AgentPage } from './pages/agent.tsx';
import { AgentsPage } from './pages/agents.tsx';
import { AuditPage } from './pages/audit.tsx';
import { LinkDialog } from './pages/link-dialog.tsx';
import { PeoplePage } from './pages/people.tsx';
import { SessionsPage } from './pages/sessions.tsx';
import { ExpiryNotice } from './parts/expiry-notice.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { ViewerPage } from './pages/viewer.tsx';
import { Header } from './parts/header.tsx';
import { Empty } from './parts/notice.tsx';
import { ToastList } from './parts/toasts.tsx';
import { useConsole } from './state/console.ts';
import { href } from './state/route.ts';

export function App() {
  const { account, live, looking, pictures, route } = useConsole();
  const key = account.key.value;
  useEffect(() => {
    if (key === null) return pictures.clear();
    const stop = new AbortController();
    void live.run(stop.signal);
    return () => stop.abort();
  }, [key]);

  if (key === null) return looking.value ? <p class="looking">Looking for your sign-in…</p> : <SignInPage />;
  const current = route.value;
  if (current.page === 'viewer') {
    return (
      <>
        <ViewerPage key={current.session} id={current.session} />
        <LinkDialog />
        <ExpiryNotice />
        <ToastList />
      </>
    );
  }
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        {current.page === 'sessions' && <SessionsPage />}
        {current.page === 'agents' && <AgentsPage />}
        {current.page === 'people' && <PeoplePage />}
        {current.page === 'audit' && <AuditPage />}
        {current.page === 'agent' && <AgentPage key={current.agent} id={current.agent} />}
        {(current.page === 'unknown' || current.page === 'sign-in-problem') && (
          <>
            <div class="page-head">
              <h1>Nothing here</h1>
            </div>
            <Empty title="There is no such page">
              <p>
                <a href={href.sessions}>Go to your sessions</a>
              </p>
            </Empty>
          </>
        )}
      </main>
      <LinkDialog />
      <ExpiryNotice />
      <ToastList />
    </>
  );
}

/** The router uses the fragment, so only move the focus. */
function skipToMain(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
