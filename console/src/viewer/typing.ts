/** Keys that write nothing: modifiers, and those that begin or belong to a composition, whose text counts when it is written. */
const SILENT = ['Control', 'Alt', 'AltGraph', 'Shift', 'Meta', 'CapsLock', 'Dead', 'Process', 'Unidentified'];

/** Whether a key is meant for the desktop: pressed on its screen or without a focused element, and not without effect. */
export function isTyping(event: KeyboardEvent, screen: HTMLElement | null): boolean {
  // noVNC gets copies of the key events
  if (!event.isTrusted || event.isComposing || SILENT.includes(event.key)) return false;
  return event.target === document.body || (event.target instanceof Node && screen?.contains(event.target) === true);
}

export const keysLost = (keys: number): string =>
  keys === 1
    ? '1 key that you typed did not arrive; it is not sent later.'
    : `${keys} keys that you typed did not arrive; they are not sent later.`;
