import { type ReadonlySignal, signal } from '@preact/signals';

/** The last picture of each screen that was open in this tab, small, as data URLs by session id. */
export interface Pictures {
  readonly all: ReadonlySignal<ReadonlyMap<string, string>>;
  /** Keeps a small copy of what the canvas shows; nothing if it shows nothing. */
  keep(session: string, canvas: HTMLCanvasElement): void;
  /** Forgets all: somebody else may sign in. */
  clear(): void;
}

const WIDTH = 480;
const MAX_KEPT = 24;
const KEY = 'streamspace.pictures';

export function createPictures(storage: Storage): Pictures {
  const all = signal<ReadonlyMap<string, string>>(read(storage));
  return {
    all,
    clear() {
      all.value = new Map();
      storage.removeItem(KEY);
    },
    keep(session, canvas) {
      if (canvas.width === 0 || canvas.height === 0) return;
      const small = document.createElement('canvas');
      small.width = WIDTH;
      small.height = Math.round((WIDTH * canvas.height) / canvas.width);
      const context = small.getContext('2d');
      if (!context) return;
      context.imageSmoothingQuality = 'high';
      context.drawImage(canvas, 0, 0, small.width, small.height);
      const rest = [...all.value].filter(([id]) => id !== session).slice(1 - MAX_KEPT);
      all.value = new Map([...rest, [session, small.toDataURL('image/jpeg', 0.75)]]);
      try {
        storage.setItem(KEY, JSON.stringify([...all.value]));
      } catch {
        // The storage is full: the pictures last as long as the page then.
      }
    },
  };
}

function read(storage: Storage): ReadonlyMap<string, string> {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? '[]') as [string, string][];
    return new Map(kept.filter(([, url]) => url.startsWith('data:image/')));
  } catch {
    return new Map();
  }
}
