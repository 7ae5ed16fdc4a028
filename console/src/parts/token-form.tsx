import { useSignal } from '@preact/signals';
import { useConsole } from '../state/console.ts';
import { Button } from './button.tsx';

/** Sign-in with a token that the user has. */
export function TokenForm() {
  const { account } = useConsole();
  const text = useSignal('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        account.signIn(text.value);
      }}
    >
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
  );
}
