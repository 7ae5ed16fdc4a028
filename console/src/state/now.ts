import { type ReadonlySignal, signal } from '@preact/signals';

/** Milliseconds since 1970, a second at a time: for “12 s ago”. Stands still while the page is hidden. */
export function createNow(): ReadonlySignal<number> {
  const now = signal(Date.now());
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1_000);
  return now;
}
