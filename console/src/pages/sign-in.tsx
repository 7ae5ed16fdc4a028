import { useEffect } from 'preact/hooks';
import { Logo, ThemeButton } from '../parts/header.tsx';
import { Problem } from '../parts/notice.tsx';
import { TokenForm } from '../parts/token-form.tsx';
import { useConsole } from '../state/console.ts';
import { wordsOfProblem } from '../words/sign-in.ts';

export function SignInPage() {
  const { account, people, route } = useConsole();
  const notice = account.notice.value;
  const offers = people.offers.value;
  // a tab that was signed in by a token has not asked yet
  useEffect(() => {
    if (offers.length === 0) void people.find();
  }, []);
  return (
    <main class="sign-in">
      <div class="corner">
        <ThemeButton />
      </div>
      <div class="sheet">
        <Logo />
        <h1>StreamSpace</h1>
        <p class="lead">Remote desktops and browsers, on your screen.</p>
        {route.value.page === 'sign-in-problem' && <Failed {...route.value} />}
        {notice !== null && <Problem testid="sign-in-notice">{notice}</Problem>}
        {offers.length === 0 ? (
          <TokenForm />
        ) : (
          <>
            <ul class="providers">
              {offers.map(({ id, name }) => (
                <li key={id}>
                  <a
                    class="button primary"
                    href={people.start(id)}
                    data-testid="sign-in-provider"
                    data-provider={id}
                    // the page to return to may have changed since it was drawn
                    onClick={(event) => {
                      event.currentTarget.href = people.start(id);
                    }}
                  >
                    Sign in with {name}
                  </a>
                </li>
              ))}
            </ul>
            <details>
              <summary data-testid="sign-in-by-token">Sign in with a token</summary>
              <TokenForm />
            </details>
          </>
        )}
      </div>
    </main>
  );
}

function Failed({ problem, provider }: { problem: string; provider: string }) {
  const callback = new URL(`api/v1/sign-in/callback/${encodeURIComponent(provider)}`, document.baseURI).href;
  const { title, user, admin } = wordsOfProblem(problem, callback);
  return (
    <Problem testid="sign-in-problem">
      <h2>{title}</h2>
      <p>{user}</p>
      <details>
        <summary>For admins</summary>
        <p data-testid="sign-in-remedy">{admin}</p>
      </details>
    </Problem>
  );
}
