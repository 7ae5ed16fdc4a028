import type { Signal } from '@preact/signals';
import { GROUPS, LAYOUTS, type ListView, SORTS } from '../state/list-view.ts';
import { Button } from './button.tsx';

const STATES: Readonly<Record<ListView['state'], string>> = {
  all: 'All states',
  running: 'Running',
  hibernated: 'Hibernated',
  failed: 'Failed',
  changing: 'Changing',
};
const ORDERS: Readonly<Record<ListView['sort'], string>> = {
  newest: 'Newest first',
  oldest: 'Oldest first',
  name: 'By name',
  state: 'By state',
  user: 'By user',
};

interface ListToolsProps {
  view: Signal<ListView>;
  /** Users with sessions in the list; empty: all are the user's own. */
  users: readonly string[];
  me: string | undefined;
}

/** Filter, sort order and layout of a list of sessions. */
export function ListTools({ view, users, me }: ListToolsProps) {
  const change = (part: Partial<ListView>) => {
    view.value = { ...view.value, ...part };
  };
  const { search, state, owner, sort, layout } = view.value;
  const other = LAYOUTS.find((each) => each !== layout)!;
  return (
    <search class="list-tools">
      <input
        type="search"
        aria-label="Search sessions"
        placeholder="Search name, user, agent …"
        data-testid="list-search"
        maxLength={200}
        value={search}
        onInput={(event) => change({ search: event.currentTarget.value })}
      />
      <select
        aria-label="State"
        data-testid="list-state"
        value={state}
        onChange={(event) => change({ state: GROUPS.find((each) => each === event.currentTarget.value) ?? 'all' })}
      >
        {GROUPS.map((each) => (
          <option key={each} value={each}>
            {STATES[each]}
          </option>
        ))}
      </select>
      {users.length > 0 && (
        <select
          aria-label="Owner"
          data-testid="list-owner"
          value={owner ?? ''}
          onChange={(event) => change({ owner: event.currentTarget.value || null })}
        >
          <option value="">Everybody’s</option>
          {users.map((user) => (
            <option key={user} value={user}>
              {user === me ? `${user} (you)` : user}
            </option>
          ))}
        </select>
      )}
      <select
        aria-label="Order"
        data-testid="list-sort"
        value={sort}
        onChange={(event) => change({ sort: SORTS.find((each) => each === event.currentTarget.value) ?? 'newest' })}
      >
        {SORTS.map((each) => (
          <option key={each} value={each}>
            {ORDERS[each]}
          </option>
        ))}
      </select>
      <Button
        icon={layout === 'cards' ? 'lines' : 'cards'}
        kind="quiet"
        label={other === 'lines' ? 'Show as a compact list' : 'Show as cards'}
        testid="list-layout"
        onClick={() => change({ layout: other })}
      />
    </search>
  );
}
