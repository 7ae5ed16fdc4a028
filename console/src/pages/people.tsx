import { DisabledUserList } from '../parts/disabled-user-list.tsx';
import { SignInList } from '../parts/sign-in-list.tsx';
import { useConsole } from '../state/console.ts';
import { useTitle } from '../state/title.ts';

/** The user's sign-ins, and for admins the users who may not sign in. */
export function PeoplePage() {
  const { account } = useConsole();
  useTitle('Sign-ins');
  const claims = account.claims.value;
  const me = account.person.value;
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Sign-ins</h1>
          <p class="muted">
            You are {claims?.user}
            {me !== null && me.groups.length > 0 && `, of ${me.groups.join(', ')}`}
            {me === null && ', by a token'}.
          </p>
        </div>
      </div>
      <SignInList />
      {account.admin.value && <DisabledUserList />}
    </>
  );
}
