import { useSignal } from '@preact/signals';
import { Button } from '../parts/button.tsx';
import { Empty, Problem } from '../parts/notice.tsx';
import { ListTools } from '../parts/list-tools.tsx';
import { QuotaLine } from '../parts/quota-line.tsx';
import { SelectionBar } from '../parts/selection-bar.tsx';
import { SessionCard } from '../parts/session-card.tsx';
import { SessionLine } from '../parts/session-line.tsx';
import { useConsole } from '../state/console.ts';
import { arranged } from '../state/list-view.ts';
import { useTitle } from '../state/title.ts';
import { counted } from '../words/quantities.ts';
import { CreateDialog } from './create-dialog.tsx';

export function SessionsPage() {
  const { account, world, live, list } = useConsole();
  const creating = useSignal(false);
  const selected = useSignal<ReadonlySet<string>>(new Set());
  useTitle('Sessions');

  const me = account.claims.value?.user;
  const all = world.newest.value;
  const users = [...new Set(all.map((session) => session.user))].toSorted((a, b) => a.localeCompare(b));
  const others = users.some((user) => user !== me);
  const shown = arranged(all, list.value);
  const lines = list.value.layout === 'lines';
  const chosen = lines ? shown.filter(({ id }) => selected.value.has(id)) : [];
  const create = () => {
    creating.value = true;
  };
  const select = (ids: readonly string[], on: boolean) => {
    const next = new Set(selected.value);
    for (const id of ids)
      if (on) next.add(id);
      else next.delete(id);
    selected.value = next;
  };

  return (
    <>
      <div class="page-head">
        <div>
          <h1>Sessions</h1>
          <p class="muted" role="status" data-testid="list-summary">
            {world.loaded.value
              ? summary(
                  shown.map(({ state }) => state),
                  all.length,
                )
              : 'Looking…'}
          </p>
          {world.loaded.value && <QuotaLine />}
        </div>
        <div class="page-actions">
          <Button icon="plus" kind="primary" testid="create-session" onClick={create}>
            New session
          </Button>
        </div>
      </div>
      {live.problem.value !== null && <Problem>{live.problem.value}</Problem>}
      {!world.loaded.value && live.problem.value === null && <Skeleton />}
      {world.loaded.value && all.length === 0 && <FirstSteps onCreate={create} />}
      {all.length > 1 && <ListTools view={list} users={others ? users : []} me={me} />}
      {lines && shown.length > 0 && (
        <label class="check select-all">
          <input
            type="checkbox"
            data-testid="select-all"
            checked={chosen.length === shown.length}
            onChange={(event) =>
              select(
                shown.map(({ id }) => id),
                event.currentTarget.checked,
              )
            }
          />
          Select all that are shown
        </label>
      )}
      {chosen.length > 0 && <SelectionBar sessions={chosen} selected={selected} />}
      {all.length > 0 && shown.length === 0 && (
        <Empty title="No session fits">
          <Button onClick={() => void (list.value = { ...list.value, search: '', state: 'all', owner: null })}>
            Show all {all.length}
          </Button>
        </Empty>
      )}
      <ul class={lines ? 'session-lines' : 'cards'} aria-label="Sessions">
        {shown.map((session) =>
          lines ? (
            <SessionLine
              key={session.id}
              session={session}
              showUser={others}
              selected={selected.value.has(session.id)}
              onSelect={(on) => select([session.id], on)}
            />
          ) : (
            <SessionCard key={session.id} session={session} showUser={others} />
          ),
        )}
      </ul>
      {creating.value && (
        <CreateDialog
          onClose={() => {
            creating.value = false;
          }}
        />
      )}
    </>
  );
}

function summary(states: readonly string[], all: number): string {
  if (all === 0) return 'None yet';
  const running = states.filter((state) => state === 'running').length;
  const asleep = states.filter((state) => state === 'hibernated').length;
  const failed = states.filter((state) => state === 'failed').length;
  return [
    states.length === all ? counted(all, 'session') : `${states.length} of ${counted(all, 'session')}`,
    running > 0 && `${running} running`,
    asleep > 0 && `${asleep} hibernated`,
    failed > 0 && `${failed} failed`,
  ]
    .filter(Boolean)
    .join(' · ');
}

function Skeleton() {
  return (
    <ul class="cards" aria-hidden="true">
      {[1, 2, 3].map((n) => (
        <li key={n} class="card skeleton" />
      ))}
    </ul>
  );
}

function FirstSteps({ onCreate }: { onCreate: () => void }) {
  const { world } = useConsole();
  const agents = [...world.agents.value.values()];
  const online = agents.filter((agent) => agent.connected);
  return (
    <Empty title="No desktop yet">
      <p>
        A session is a desktop that runs on an agent’s machine and that you use here, in this page. Pick a template, and
        it is there in a moment; close the page, and it goes on running.
      </p>
      {agents.length > 0 && online.length === 0 && (
        <p class="warn">
          No agent is connected right now: a session can be made once one is back. See <a href="#/agents">Agents</a>.
        </p>
      )}
      <Button icon="plus" kind="primary" testid="create-first" onClick={onCreate}>
        Make your first session
      </Button>
    </Empty>
  );
}
