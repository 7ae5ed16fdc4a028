import { useSignal } from '@preact/signals';
import { Button } from '../parts/button.tsx';
import { Logo, ThemeButton } from '../parts/header.tsx';
import { Problem } from '../parts/notice.tsx';
import { useConsole } from '../state/console.ts';

export function SignInPage() {
  const { account } = useConsole();
  const text = useSignal('');
  const notice = account.notice.value;
  return (
    <main class="sign-in">
      <div class="corner">
        <ThemeButton />
      </div>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          account.signIn(text.value);
        }}
      >
        <Logo />
        <h1>StreamSpace</h1>
        <p class="lead">Remote desktops and browsers, on your screen.</p>
        {notice !== null && <Problem testid="sign-in-notice">{notice}</Problem>}
        <label for="token">Your token</label>
        <textarea
          id="token"
          data-testid="token-input"
          rows={4}
          required
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          placeholder="eyJhbGciOi…"
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') {
              event.preventDefault();
              event.currentTarget.form?.requestSubmit();
            }
          }}
        />
        <Button kind="primary" submit testid="sign-in">
          Sign in
        </Button>
        <details>
          <summary>Where do I get one?</summary>
          <ul>
            <li>
              On your own machine: <code>npm start</code> prints a link that signs you in. Open that link, it has the
              token in it.
            </li>
            <li>Otherwise: from the operator of your StreamSpace, or from your company’s sign-in.</li>
          </ul>
          <p>
            The token stays in this browser’s open tabs and goes to the hub only. It is gone when you close them or sign
            out.
          </p>
        </details>
      </form>
    </main>
  );
}
