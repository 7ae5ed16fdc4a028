import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { useConsole } from '../state/console.ts';

/** Asks before a link's token replaces the signed-in user: the link's sender may want to capture the user's input. */
export function LinkDialog() {
  const { account, links } = useConsole();
  const offer = links.offer.value;
  const current = account.claims.value;
  if (offer === null || current === null) return null;
  return (
    <Dialog title={`Sign in as “${offer.user}”?`} onClose={links.refuse} testid="link-dialog">
      <p>
        The link that you opened signs you in as “{offer.user}”. You are signed in as “{current.user}”. Go on only if
        you trust whoever gave you the link.
      </p>
      <div class="dialog-actions">
        <Button onClick={links.refuse} autofocus testid="link-refuse">
          Stay “{current.user}”
        </Button>
        <Button kind="primary" onClick={links.accept} testid="link-accept">
          Sign in as “{offer.user}”
        </Button>
      </div>
    </Dialog>
  );
}
