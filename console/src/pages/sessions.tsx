import { useSignal } from '@preact/signals';
import { Button } from '../parts/button.tsx';
import { Empty, Problem } from '../parts/notice.tsx';
import { SessionCard } from '../parts/session-card.tsx';
import { useConsole } from '../state/console.ts';
import { useTitle } from '../state/title.ts';
import { counted } from '../words/quantities.ts';
import { CreateDialog } from './create-dialog.tsx';

export function SessionsPage() {
  const { account, world, live } = useConsole();
  const creating = useSignal(false);
  const mineOnly = useSignal(false);
  useTitle('Sessions');

  const me = account.claims.value?.user;
  const all = world.newest.value;
  const others = all.some((session) => session.user !== me);
  const shown = mineOnly.value ? all.filter((session) => session.user === me) : all;
  const create = () => {
    creating.value = true;
  };

  return (
    <>
      <div class="page-head">
        <div>
          <h1>Sessions</h1>
          <p class="muted">{world.loaded.value ? summary(shown.map((session) => session.state)) : 'Looking…'}</p>
        </div>
        <div class="page-actions">
          {others && (
            <label class="check">
              <input
                type="checkbox"
                checked={mineOnly.value}
                onChange={(event) => {
                  mineOnly.value = event.currentTarget.checked;
                }}
              />
              Mine only
            </label>
          )}
          <Button icon="plus" kind="primary" testid="create-session" onClick={create}>
            New session
          </Button>
        </div>
      </div>
      {live.problem.value !== null && <Problem>{live.problem.value}</Problem>}
      {!world.loaded.value && live.problem.value === null && <Skeleton />}
      {world.loaded.value && shown.length === 0 && <FirstSteps onCreate={create} />}
      <ul class="cards" aria-label="Sessions">
        {shown.map((session) => (
          <SessionCard key={session.id} session={session} showUser={others} />
        ))}
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

function summary(states: readonly string[]): string {
  if (states.length === 0) return 'None yet';
  const running = states.filter((state) => state === 'running').length;
  const asleep = states.filter((state) => state === 'hibernated').length;
  const failed = states.filter((state) => state === 'failed').length;
  return [
    counted(states.length, 'session'),
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
