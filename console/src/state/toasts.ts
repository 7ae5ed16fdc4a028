import { type ReadonlySignal, signal } from '@preact/signals';

export interface Toast {
  id: number;
  kind: 'info' | 'error';
  text: string;
}

export interface Toasts {
  readonly list: ReadonlySignal<readonly Toast[]>;
  info(text: string): void;
  /** Stays until it is dismissed. */
  error(text: string): void;
  dismiss(id: number): void;
}

const SHOWN_MS = 6_000;
const MAX_SHOWN = 4;

export function createToasts(): Toasts {
  const list = signal<readonly Toast[]>([]);
  let next = 1;
  const dismiss = (id: number) => {
    list.value = list.value.filter((toast) => toast.id !== id);
  };
  const add = (kind: Toast['kind'], text: string): number => {
    const id = next++;
    const others = list.value.filter((toast) => toast.text !== text);
    list.value = [...others, { id, kind, text }].slice(-MAX_SHOWN);
    return id;
  };
  return {
    list,
    info(text) {
      const id = add('info', text);
      setTimeout(() => dismiss(id), SHOWN_MS);
    },
    error: (text) => void add('error', text),
    dismiss,
  };
}
