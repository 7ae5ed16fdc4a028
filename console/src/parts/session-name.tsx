import { useSignal } from '@preact/signals';
import type { Session } from '@streamspace/protocol';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { useSessionActions } from '../state/actions.ts';
import { Button } from './button.tsx';

interface SessionNameProps {
  session: Session;
  /** The displayed name, also without a name of its own. */
  name: string;
  /** The name as it is shown. */
  children: ComponentChildren;
}

/** A session's name, edited in place: Enter or a click elsewhere saves it, Escape does not. */
export function SessionName({ session, name, children }: SessionNameProps) {
  const { busy, rename } = useSessionActions(session);
  const editing = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const wasEditing = useRef(false);
  // before anybody sees the change: keys that come at once have their place
  useLayoutEffect(() => {
    if (editing.value) box.current?.querySelector('input')?.select();
    // not from another element clicked meanwhile
    else if (wasEditing.current && document.activeElement === document.body)
      box.current?.querySelector<HTMLElement>('[data-testid=rename-session]')?.focus();
    wasEditing.current = editing.value;
  }, [editing.value]);

  const keep = async (input: HTMLInputElement) => {
    if (!editing.value || busy.value !== null) return;
    if (input.value === name || (await rename(input.value))) editing.value = false;
  };
  return (
    <div class="session-name" ref={box}>
      {editing.value ? (
        <input
          type="text"
          aria-label={`New name of ${name}`}
          data-testid="session-rename"
          autocomplete="off"
          maxLength={200}
          defaultValue={name}
          aria-busy={busy.value === 'rename'}
          onKeyDown={(event) => {
            if (event.isComposing) return;
            if (event.key === 'Enter') void keep(event.currentTarget);
            if (event.key === 'Escape') editing.value = false;
          }}
          onBlur={(event) => void keep(event.currentTarget)}
        />
      ) : (
        <>
          {children}
          <Button
            icon="pencil"
            kind="quiet"
            label={`Rename ${name}`}
            testid="rename-session"
            onClick={() => void (editing.value = true)}
          />
        </>
      )}
    </div>
  );
}
