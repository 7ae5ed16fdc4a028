import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

/** Arrow keys, Home and End move the focus within a toolbar; Tab enters and leaves it as one stop. Returns its keydown handler. */
export function useRoving(bar: RefObject<HTMLElement | null>): (event: KeyboardEvent) => void {
  const stops = () => [...(bar.current?.querySelectorAll<HTMLElement>('a[href], button:not(:disabled)') ?? [])];
  const rove = (to: HTMLElement | undefined) => {
    for (const stop of stops()) stop.tabIndex = stop === to ? 0 : -1;
  };
  // After every render, because buttons appear, disappear and become disabled.
  useEffect(() => {
    const all = stops();
    rove(all.find((stop) => stop === document.activeElement) ?? all.find((stop) => stop.tabIndex === 0) ?? all[0]);
  });
  return (event) => {
    const all = stops();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const last = all.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at <= 0 ? last : at - 1, Home: 0, End: last }[
      event.key
    ];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    rove(all[to]);
    all[to]?.focus();
  };
}
