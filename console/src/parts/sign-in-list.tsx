import { useSignal } from '@preact/signals';
import type { SignIn } from '@streamspace/protocol';
import { useEffect } from 'preact/hooks';
import { useConsole } from '../state/console.ts';
import { ago } from '../words/quantities.ts';
import { wordsOf } from '../words/sentence.ts';
import { Button } from './button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Problem } from './notice.tsx';

/** The browsers in which the user is signed in. */
export function SignInList() {
  const { hub, leave, leaveEverywhere, toasts } = useConsole();
  const list = useSignal<readonly SignIn[] | null>(null);
  const problem = useSignal<string | null>(null);
  const asking = useSignal(false);
  const load = async () => {
    try {
      list.value = await hub.signIns();
      problem.value = null;
    } catch (error) {
      problem.value = wordsOf(error);
    }
  };
  useEffect(() => void load(), []);
  const end = async (signIn: SignIn) => {
    if (signIn.current) return leave();
    try {
      await hub.endSignIn(signIn.id);
    } catch (error) {
      toasts.error(wordsOf(error));
    }
    await load();
  };
  return (
    <section aria-labelledby="sign-ins-title" class="panel people">
      <h2 id="sign-ins-title">Where you are signed in</h2>
      {problem.value !== null && <Problem>{problem.value}</Problem>}
      {list.value?.length === 0 && (
        <p class="muted">In no browser by a provider. A token can’t be ended: it counts until it expires.</p>
      )}
      {list.value !== null && list.value.length > 0 && (
        <>
          <ul>
            {list.value.map((each) => (
              <SignInRow key={each.id} signIn={each} onEnd={() => void end(each)} />
            ))}
          </ul>
          <Button testid="sign-out-everywhere" icon="leave" onClick={() => void (asking.value = true)}>
            Sign out everywhere
          </Button>
        </>
      )}
      {asking.value && (
        <ConfirmDialog
          title="Sign out everywhere?"
          confirm="Sign out"
          keep="Stay signed in"
          testid="sign-out-everywhere-dialog"
          onClose={() => void (asking.value = false)}
          onConfirm={() => void leaveEverywhere()}
        >
          <p>In all browsers, this one included. Open screens close; what runs goes on running.</p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function SignInRow({ signIn, onEnd }: { signIn: SignIn; onEnd: () => void }) {
  const { now } = useConsole();
  return (
    <li data-testid="sign-in-row" data-current={signIn.current}>
      <div>
        <b>{browserName(signIn.browser)}</b>
        {signIn.current && <span class="muted"> (this one)</span>}
        <p class="muted">
          {signIn.address}, by {signIn.provider}; last used {ago(Date.parse(signIn.seen_at), now.value)}
        </p>
      </div>
      <Button testid="end-sign-in" onClick={onEnd}>
        Sign out
      </Button>
    </li>
  );
}

/** What a `User-Agent` begins to say: “Firefox on Linux”. */
function browserName(agent: string): string {
  const name = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent)?.[1];
  const system = /Windows|Android|iPhone|iPad|Mac OS X|Linux/.exec(agent)?.[0];
  if (name === undefined) return agent.slice(0, 40) || 'An unknown browser';
  const full = { Edg: 'Edge', OPR: 'Opera' }[name] ?? name;
  return system === undefined ? full : `${full} on ${system}`;
}
