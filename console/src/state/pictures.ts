import { computed, type ReadonlySignal, signal } from '@preact/signals';

/** A picture of a screen. */
export interface ScreenPicture {
  /** A data URL. */
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Small pictures of screens by session id: of screens open in this tab, and from agents. */
export interface ScreenPictures {
  /** The newest picture of each session. */
  readonly all: ReadonlySignal<ReadonlyMap<string, ScreenPicture>>;
  /** Keeps a small copy of the canvas, unless it is empty. */
  keep(session: string, canvas: HTMLCanvasElement): void;
  /** Requests a picture from its agent, unless there was a picture or a request within the last minute. Never rejects. */
  want(session: string): void;
  /** Drops all: another user may sign in. */
  clear(): void;
}

export interface PicturesDeps {
  readonly storage: Storage;
  now(): number;
  /** Asks the hub. Rejects without a picture. */
  taken(session: string): Promise<ScreenPicture>;
}

const WIDTH = 480;
const MAX_KEPT = 24;
const MAX_TAKEN = 100;
const KEY = 'streamspace.pictures';
/** Age after which a picture is renewed, milliseconds. */
export const PICTURE_AGE_MS = 60_000;
/** Requests in progress at once; of the waiting ones the newest are kept. */
const AT_ONCE = 3;
const MAX_WAITING = 60;

export function createPictures(deps: PicturesDeps): ScreenPictures {
  const { storage } = deps;
  /** Seen in this tab: kept for the next load of the page. */
  const seen = signal<ReadonlyMap<string, ScreenPicture>>(read(storage));
  const fetched = signal<ReadonlyMap<string, ScreenPicture>>(new Map());
  const askedAt = new Map<string, number>();
  let waiting: string[] = [];
  let underWay = 0;
  let generation = 0;

  const all = computed(() => {
    const newest = new Map(fetched.value);
    for (const [id, picture] of seen.value) if (picture.at >= (newest.get(id)?.at ?? 0)) newest.set(id, picture);
    return newest;
  });

  const put = (id: string, picture: ScreenPicture) => {
    const rest = [...fetched.value].filter(([other]) => other !== id).slice(1 - MAX_TAKEN);
    fetched.value = new Map([...rest, [id, picture]]);
  };
  const next = async (): Promise<void> => {
    const id = underWay < AT_ONCE ? waiting.shift() : undefined;
    if (id === undefined) return;
    const mine = generation;
    underWay += 1;
    try {
      const picture = await deps.taken(id);
      if (mine === generation) put(id, picture);
    } catch {
      // without a picture the drawing stands for it
    } finally {
      underWay -= 1;
      void next();
    }
  };

  return {
    all,
    want(session) {
      const last = Math.max(askedAt.get(session) ?? 0, all.value.get(session)?.at ?? 0);
      if (deps.now() - last < PICTURE_AGE_MS || waiting.includes(session)) return;
      askedAt.set(session, deps.now());
      waiting = [...waiting.slice(1 - MAX_WAITING), session];
      void next();
    },
    clear() {
      generation += 1;
      waiting = [];
      askedAt.clear();
      seen.value = fetched.value = new Map();
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
      const rest = [...seen.value].filter(([id]) => id !== session).slice(1 - MAX_KEPT);
      const picture = { url: small.toDataURL('image/jpeg', 0.75), at: deps.now() };
      seen.value = new Map([...rest, [session, picture]]);
      try {
        storage.setItem(KEY, JSON.stringify([...seen.value]));
      } catch {
        // The storage is full: the pictures then last only as long as the page.
      }
    },
  };
}

function read(storage: Storage): ReadonlyMap<string, ScreenPicture> {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? '[]') as [string, ScreenPicture][];
    return new Map(kept.filter(([, { url, at }]) => url.startsWith('data:image/') && typeof at === 'number'));
  } catch {
    return new Map();
  }
}
