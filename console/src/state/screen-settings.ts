/** Relation of desktop and window: the desktop takes the window's size, is scaled to fit it, or is shown unscaled. */
export const SCALINGS = ['match', 'fit', 'actual'] as const;
export type Scaling = (typeof SCALINGS)[number];

/** A user's display settings of one session. */
export interface ScreenSettings {
  readonly scaling: Scaling;
  /** Of JPEG, 0 to 9. */
  readonly quality: number;
  /** Of zlib, 0 to 9. */
  readonly compression: number;
  readonly viewOnly: boolean;
}

export const DEFAULT_SETTINGS: ScreenSettings = { scaling: 'match', quality: 6, compression: 2, viewOnly: false };

/** Settings stored in this browser, of the newest sessions. */
const KEY = 'streamspace.screens';
const MOST = 100;

export interface RememberedSettings {
  of(session: string): ScreenSettings;
  keep(session: string, settings: ScreenSettings): void;
}

export function createScreenSettings(storage: Storage): RememberedSettings {
  return {
    of: (session) => ({ ...DEFAULT_SETTINGS, ...read(storage).find(([id]) => id === session)?.[1] }),
    keep(session, settings) {
      const rest = read(storage).filter(([id]) => id !== session);
      try {
        storage.setItem(KEY, JSON.stringify([...rest.slice(1 - MOST), [session, settings]]));
      } catch {
        // the storage is full: the settings then last only as long as the page
      }
    },
  };
}

function read(storage: Storage): [string, Partial<ScreenSettings>][] {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? '[]') as [string, Record<string, unknown>][];
    return kept.map(([id, settings]) => [String(id), fit(settings)]);
  } catch {
    return [];
  }
}

/** The part that this version of the page understands. */
function fit({ scaling, quality, compression, viewOnly }: Record<string, unknown>): Partial<ScreenSettings> {
  const known = SCALINGS.find((each) => each === scaling);
  const level = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 9;
  return {
    ...(known && { scaling: known }),
    ...(level(quality) && { quality }),
    ...(level(compression) && { compression }),
    ...(typeof viewOnly === 'boolean' && { viewOnly }),
  };
}
