import { useSignal } from '@preact/signals';
import type { Session } from '@streamspace/protocol';
import { DeleteDialog } from './delete-dialog.tsx';
import { useSessionActions } from '../state/actions.ts';
import { useConsole } from '../state/console.ts';
import { href } from '../state/route.ts';
import { ago, byteText, cpus } from '../words/quantities.ts';
import { allowedOn, progressOf } from '../words/session.ts';
import { sentence } from '../words/sentence.ts';
import { StateBadge } from './badge.tsx';
import { Button } from './button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Icon } from './icon.tsx';
import { SessionName } from './session-name.tsx';
import { SessionScreen } from './session-screen.tsx';
import { SleepNotice } from './sleep-notice.tsx';

export function SessionCard({ session, showUser }: { session: Session; showUser: boolean }) {
  const { world, now, account } = useConsole();
  const { busy, hibernate, wake, remove } = useSessionActions(session);
  const deleting = useSignal(false);
  const putting = useSignal(false);
  const can = allowedOn(session.state);
  const template = world.templates.value.get(session.template)?.name ?? session.template;
  const progress = progressOf(session, world.commands.value.get(session.id), world.agents.value.get(session.agent));
  const name = session.name || template;

  return (
    <li
      class={`card session ${session.state}`}
      data-testid="session-row"
      data-session-id={session.id}
      data-state={session.state}
    >
      <SessionScreen session={session} name={name} openable={can.open} />
      <div class="card-body">
        <div class="card-title">
          <SessionName session={session} name={name}>
            <h2 title={name}>
              <bdi>{name}</bdi>
            </h2>
          </SessionName>
          <StateBadge state={session.state} />
        </div>
        <dl class="facts">
          <dt>Template</dt>
          <dd>{template}</dd>
          <dt>Place</dt>
          <dd>
            <a href={href.agent(session.agent)}>{session.agent}</a>
            {session.region !== '' && ` · ${session.region}`}
          </dd>
          <dt>Size</dt>
          <dd>
            {cpus(session.cpu)} · {byteText(session.memory)}
          </dd>
          {showUser && (
            <>
              <dt>User</dt>
              <dd>{session.user === account.claims.value?.user ? `${session.user} (you)` : session.user}</dd>
            </>
          )}
          <dt>Created</dt>
          <dd>
            <time dateTime={session.created_at}>{ago(Date.parse(session.created_at), now.value)}</time>
          </dd>
        </dl>
        {progress !== null && (
          <div class="progress" role="status">
            <div class="progress-bar" aria-hidden="true" />
            <p>{progress}</p>
          </div>
        )}
        <SleepNotice session={session} />
        {progress === null && session.reason && (
          <p class={session.state === 'failed' ? 'reason bad' : 'reason'} data-testid="session-reason">
            {sentence(session.reason)}
          </p>
        )}
        <div class="card-actions">
          {can.open && (
            <a
              class={`button ${session.state === 'running' ? 'primary' : 'plain'}`}
              href={href.viewer(session.id)}
              data-testid="open-session"
            >
              <Icon name="open" />
              <span>Open</span>
            </a>
          )}
          {can.hibernate && (
            <Button
              icon="sleep"
              testid="hibernate-session"
              busy={busy.value === 'hibernate'}
              onClick={() => {
                putting.value = true;
              }}
            >
              Hibernate
            </Button>
          )}
          {can.wake && (
            <Button
              icon="wake"
              kind="primary"
              testid="wake-session"
              busy={busy.value === 'wake'}
              onClick={() => void wake()}
            >
              {session.state === 'failed' ? 'Start again' : 'Wake'}
            </Button>
          )}
          {can.remove && (
            <Button
              icon="trash"
              kind="quiet"
              label={`Delete ${name}`}
              testid="delete-session"
              busy={busy.value === 'delete'}
              onClick={() => {
                deleting.value = true;
              }}
            />
          )}
        </div>
      </div>
      {putting.value && (
        <ConfirmDialog
          title={`Put “${name}” to sleep?`}
          confirm="Hibernate"
          keep="Let it run"
          icon="sleep"
          testid="hibernate-dialog"
          onClose={() => {
            putting.value = false;
          }}
          onConfirm={() => void hibernate()}
        >
          <p>
            Every program that runs in it is ended, and what was not saved is lost. Its home folder is kept, and it can
            be woken at any time.
          </p>
        </ConfirmDialog>
      )}
      {deleting.value && (
        <DeleteDialog
          name={name}
          onClose={() => {
            deleting.value = false;
          }}
          onDelete={(home) => {
            deleting.value = false;
            void remove(home);
          }}
        />
      )}
    </li>
  );
}
