import { useSignal } from '@preact/signals';
import { useConsole } from '../state/console.ts';
import { readToken, TokenProblem } from '../state/token.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Problem } from './notice.tsx';

/** Two minutes before the token expires: open pages stay open if the user enters a new one in time. */
export function ExpiryNotice() {
  const { account, now } = useConsole();
  const asking = useSignal(false);
  const claims = account.claims.value;
  if (!account.expiring.value || claims === null) return null;
  const seconds = Math.max(0, Math.round((claims.expires - now.value) / 1_000));
  return (
    <div class="expiry" role="alert" data-testid="expiry">
      <p>
        Your sign-in ends in {seconds > 60 ? 'two minutes' : `${seconds} s`}, and open screens with it. What runs goes
        on running.
      </p>
      <Button kind="primary" testid="expiry-renew" onClick={() => void (asking.value = true)}>
        Sign in again
      </Button>
      {asking.value && <NewToken user={claims.user} onClose={() => void (asking.value = false)} />}
    </div>
  );
}

function NewToken({ user, onClose }: { user: string; onClose: () => void }) {
  const { account } = useConsole();
  const text = useSignal('');
  const problem = useSignal<string | null>(null);
  const use = () => {
    try {
      const given = text.value.trim().replace(/^Bearer\s+/i, '');
      const found = readToken(given, Date.now());
      if (found.user !== user) throw new TokenProblem(`This token is for ${found.user}, and you are ${user}.`);
      account.signIn(given);
      onClose();
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <Dialog title="Sign in again" onClose={onClose} testid="renew-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          use();
        }}
      >
        {problem.value !== null && <Problem>{problem.value}</Problem>}
        <label for="new-token">A new token, or open a new sign-in link in this browser</label>
        <textarea
          id="new-token"
          rows={4}
          required
          spellcheck={false}
          autocomplete="off"
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        <div class="dialog-actions">
          <Button onClick={onClose}>Later</Button>
          <Button kind="primary" submit testid="renew">
            Sign in
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
