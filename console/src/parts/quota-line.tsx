import { useComputed, useSignal } from '@preact/signals';
import { QUOTA_KINDS, type Quota } from '@streamspace/protocol';
import { useEffect } from 'preact/hooks';
import { useConsole } from '../state/console.ts';
import { quotaText } from '../words/quota.ts';

/** How much of their limits the user's sessions use; nothing where nothing is limited. */
export function QuotaLine() {
  const { account, hub, world } = useConsole();
  const quota = useSignal<Quota | undefined>(undefined);
  const me = account.person.value?.user ?? account.claims.value?.user;
  // asked again when one of the user's sessions has another state
  const states = useComputed(() =>
    world.newest.value.map(({ id, user, state }) => (user === me ? `${id} ${state}` : '')).join(),
  ).value;
  useEffect(() => {
    let over = false;
    hub.quota().then(
      (answer) => {
        if (!over) quota.value = answer;
      },
      // the list says what is wrong with the hub; an older hub has no quotas
      () => undefined,
    );
    return () => {
      over = true;
    };
  }, [states, hub]);
  const known = quota.value;
  if (known === undefined || !QUOTA_KINDS.some((kind) => known.limits[kind] !== undefined)) return null;
  return (
    <p class="muted" data-testid="quota">
      {quotaText(known)}
    </p>
  );
}
