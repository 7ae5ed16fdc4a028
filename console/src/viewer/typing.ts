/** Whether a key is meant for the desktop: pressed on its screen, or nowhere in particular, and more than a modifier. */
export function isTyping(event: KeyboardEvent, screen: HTMLElement | null): boolean {
  if (['Control', 'Alt', 'AltGraph', 'Shift', 'Meta', 'CapsLock', 'Dead'].includes(event.key)) return false;
  return event.target === document.body || (event.target instanceof Node && screen?.contains(event.target) === true);
}

export const keysLost = (keys: number): string =>
  keys === 1
    ? '1 key that you typed did not arrive; it is not sent later.'
    : `${keys} keys that you typed did not arrive; they are not sent later.`;
