import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

/** The screen takes every key, Tab and Escape too. Ctrl+Alt+Shift gives the keyboard back: the focus goes to the toolbar. */
export function useEscapeKeys(page: RefObject<HTMLElement | null>, onEscape: () => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!event.ctrlKey || !event.altKey || !event.shiftKey) return;
      if (!['Control', 'Alt', 'Shift', 'Meta'].includes(event.key)) return;
      onEscape();
      page.current?.querySelector<HTMLElement>('[role=toolbar] [tabindex="0"]')?.focus();
    };
    addEventListener('keydown', onKeyDown, { capture: true });
    return () => removeEventListener('keydown', onKeyDown, { capture: true });
  }, []);
}

/** The browser's own keys (Ctrl+W, Alt+Tab, Esc) go to the page while it fills the screen; Chromium supports this on secure pages. */
interface KeyboardLock {
  lock(): Promise<void>;
  unlock(): void;
}

async function holdKeys(hold: boolean): Promise<void> {
  const { keyboard } = navigator as { keyboard?: KeyboardLock };
  if (hold) await keyboard?.lock();
  else keyboard?.unlock();
}

/** The browser asks before it closes or leaves the page: Ctrl+W is a key of desktops, too. */
export function useLeaveQuestion(asks: boolean): void {
  useEffect(() => {
    if (!asks) return;
    const onLeave = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', onLeave);
    return () => removeEventListener('beforeunload', onLeave);
  }, [asks]);
}

export function useFullScreen(page: RefObject<HTMLElement | null>): { on: boolean; toggle: () => void } {
  const on = useSignal(false);
  useEffect(() => {
    const onChange = () => {
      on.value = document.fullscreenElement === page.current;
    };
    document.addEventListener('fullscreenchange', onChange);
    return () => document.removeEventListener('fullscreenchange', onChange);
  }, []);
  return {
    on: on.value,
    toggle() {
      // A browser may refuse (no permission, no support); then the page stays as it is.
      const change = document.fullscreenElement ? document.exitFullscreen() : page.current?.requestFullscreen();
      change?.then(() => holdKeys(document.fullscreenElement !== null)).catch(() => {});
    },
  };
}
