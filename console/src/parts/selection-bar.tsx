import { type Signal, useSignal } from '@preact/signals';
import type { Accepted, Session } from '@streamspace/protocol';
import { DeleteDialog } from './delete-dialog.tsx';
import { useConsole } from '../state/console.ts';
import { counted } from '../words/quantities.ts';
import { allowedOn } from '../words/session.ts';
import { wordsOf } from '../words/sentence.ts';
import { Button } from './button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';

interface SelectionBarProps {
  /** Selected and visible sessions. */
  sessions: readonly Session[];
  selected: Signal<ReadonlySet<string>>;
}

/** Requests in progress at once. */
const AT_ONCE = 4;

/** Actions on several sessions at once. */
export function SelectionBar({ sessions, selected }: SelectionBarProps) {
  const { hub, world, toasts } = useConsole();
  const busy = useSignal(false);
  const asking = useSignal<'hibernate' | 'delete' | null>(null);
  const close = () => {
    asking.value = null;
  };
  const of = (what: 'hibernate' | 'wake' | 'remove') => sessions.filter(({ state }) => allowedOn(state)[what]);
  const each = async (among: readonly Session[], act: (id: string) => Promise<Accepted>) => {
    busy.value = true;
    const waiting = [...among];
    const failed: string[] = [];
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        try {
          world.accept(await act(next.id));
        } catch (error) {
          failed.push(`${next.name}: ${wordsOf(error)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    busy.value = false;
    selected.value = new Set();
    if (failed.length > 0)
      toasts.error(`${counted(failed.length, 'session')} of ${among.length} refused. ${failed.slice(0, 3).join(' ')}`);
  };

  const hibernating = of('hibernate');
  const removing = of('remove');
  return (
    <div class="selection" role="toolbar" aria-label="Selected sessions" data-testid="selection">
      <b>{counted(sessions.length, 'session')} selected</b>
      <Button
        icon="wake"
        busy={busy.value}
        disabled={of('wake').length === 0}
        testid="wake-selected"
        onClick={() => void each(of('wake'), (id) => hub.wake(id))}
      >
        Wake
      </Button>
      <Button
        icon="sleep"
        busy={busy.value}
        disabled={hibernating.length === 0}
        testid="hibernate-selected"
        onClick={() => void (asking.value = 'hibernate')}
      >
        Hibernate
      </Button>
      <Button
        icon="trash"
        busy={busy.value}
        disabled={removing.length === 0}
        testid="delete-selected"
        onClick={() => void (asking.value = 'delete')}
      >
        Delete
      </Button>
      <Button kind="quiet" onClick={() => void (selected.value = new Set())}>
        Select none
      </Button>
      {asking.value === 'hibernate' && (
        <ConfirmDialog
          title={`Put ${counted(hibernating.length, 'session')} to sleep?`}
          confirm="Hibernate"
          keep="Let them run"
          icon="sleep"
          testid="hibernate-dialog"
          onClose={close}
          onConfirm={() => void each(hibernating, (id) => hub.hibernate(id))}
        >
          <p>Every program that runs in them is ended, and what was not saved is lost. Home folders are kept.</p>
        </ConfirmDialog>
      )}
      {asking.value === 'delete' && (
        <DeleteDialog
          name={counted(removing.length, 'session')}
          onClose={close}
          onDelete={(home) => {
            close();
            void each(removing, (id) => hub.remove(id, home));
          }}
        />
      )}
    </div>
  );
}
