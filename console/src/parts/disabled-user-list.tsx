import { useSignal } from '@preact/signals';
import type { DisabledUserView } from '@streamspace/protocol';
import { useEffect } from 'preact/hooks';
import { useConsole } from '../state/console.ts';
import { ago } from '../words/quantities.ts';
import { wordsOf } from '../words/sentence.ts';
import { Button } from './button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';

/** For admins: users whose tokens and sign-ins the hub refuses. */
export function DisabledUserList() {
  const { hub, now, toasts } = useConsole();
  const list = useSignal<readonly DisabledUserView[]>([]);
  const name = useSignal('');
  const asking = useSignal<string | null>(null);
  const act = async (work: () => Promise<void>) => {
    try {
      await work();
      list.value = await hub.disabledUsers();
    } catch (error) {
      toasts.error(wordsOf(error));
    }
  };
  useEffect(() => void act(async () => undefined), []);
  const disable = (user: string) =>
    act(async () => {
      await hub.disableUser(user);
      name.value = '';
      toasts.info(`${user} is disabled`);
    });
  return (
    <section aria-labelledby="disabled-title" class="panel people">
      <h2 id="disabled-title">Disabled users</h2>
      <p class="muted">
        The hub refuses their tokens and sign-ins, and closes their screens within five seconds. Their sessions go on.
      </p>
      <ul>
        {list.value.map(({ user, disabled_at, disabled_by }) => (
          <li key={user} data-testid="disabled-user" data-user={user}>
            <div>
              <b>{user}</b>
              <p class="muted">
                by {disabled_by}, {ago(Date.parse(disabled_at), now.value)}
              </p>
            </div>
            <Button testid="enable-user" onClick={() => void act(() => hub.enableUser(user))}>
              Enable
            </Button>
          </li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          asking.value = name.value;
        }}
      >
        <label for="disable-name">User</label>
        <input
          id="disable-name"
          data-testid="disable-name"
          required
          maxLength={256}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder="company:1234"
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
        <Button submit testid="disable-user">
          Disable
        </Button>
      </form>
      {asking.value !== null && (
        <ConfirmDialog
          title={`Disable ${asking.value}?`}
          confirm="Disable"
          keep="Leave it"
          testid="disable-dialog"
          onClose={() => void (asking.value = null)}
          onConfirm={() => void disable(name.value)}
        >
          <p>The user is signed out everywhere and can’t come back until an admin enables the user again.</p>
        </ConfirmDialog>
      )}
    </section>
  );
}
