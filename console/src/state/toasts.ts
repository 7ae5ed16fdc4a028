import { type ReadonlySignal, signal } from '@preact/signals';

interface Toast {
  id: number;
  kind: 'info' | 'error';
  text: string;
}

export interface Toasts {
  readonly list: ReadonlySignal<readonly Toast[]>;
  info(text: string): void;
  error(text: string): void;
  dismiss(id: number): void;
}

/** Milliseconds. Errors stay longer: there is more to read. */
const SHOWN_MS = { info: 6_000, error: 20_000 };
const MAX_SHOWN = 4;

export function createToasts(): Toasts {
  const list = signal<readonly Toast[]>([]);
  let next = 1;
  const dismiss = (id: number) => {
    list.value = list.value.filter((toast) => toast.id !== id);
  };
  const add = (kind: Toast['kind'], text: string) => {
    const id = next++;
    const others = list.value.filter((toast) => toast.text !== text);
    list.value = [...others, { id, kind, text }].slice(-MAX_SHOWN);
    setTimeout(() => dismiss(id), SHOWN_MS[kind]);
  };
  return {
    list,
    info: (text) => add('info', text),
    error: (text) => add('error', text),
    dismiss,
  };
}
