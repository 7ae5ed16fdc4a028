import type { ReadonlySignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { useConsole } from '../state/console.ts';
import { SharedClipboard } from './clipboard.ts';
import type { ScreenLink } from './screen.ts';

/** The clipboard that this computer and a desktop share while its page is shown. */
export function useClipboard(
  holder: RefObject<HTMLElement | null>,
  link: ReadonlySignal<ScreenLink | null>,
): SharedClipboard {
  const { toasts } = useConsole();
  const shared = useMemo(
    () =>
      new SharedClipboard({
        // missing on pages that came over plain HTTP
        clipboard: navigator.clipboard as Clipboard | undefined,
        permissions: navigator.permissions as Permissions | undefined,
        storage: localStorage,
        send: (text) =>
          link.peek()?.paste(text) === true ? null : 'The screen is view-only or away: nothing can be sent now.',
        refused: (words) => toasts.error(words),
      }),
    [],
  );
  useEffect(() => {
    const onFocus = () => void (link.peek()?.takesKeys === true && shared.turnedTo(false));
    const onClick = () => void (link.peek()?.takesKeys === true && shared.turnedTo(true));
    const screen = holder.current;
    addEventListener('focus', onFocus);
    // while a button is down noVNC has its own element above all others
    for (const kind of ['mousedown', 'touchend']) screen?.addEventListener(kind, onClick, { capture: true });
    return () => {
      removeEventListener('focus', onFocus);
      for (const kind of ['mousedown', 'touchend']) screen?.removeEventListener(kind, onClick, { capture: true });
    };
  }, []);
  useEffect(() => shared.forget(), [link.value]);
  return shared;
}
