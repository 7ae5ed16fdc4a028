/** Messages between the tabs of one browser. */
type Said = { kind: 'who' } | { kind: 'token'; token: string } | { kind: 'out' };

/** Longest wait for another tab's answer, in milliseconds: a background tab may be slow. */
const ANSWER_MS = 400;

export interface Tabs {
  /** The token of another tab that is signed in here; null when none answers. */
  readonly ask: () => Promise<string | null>;
  /** Notifies the other tabs that this browser's user has signed out. */
  tellSignedOut(): void;
}

/**
 * Sign-ins shared by the tabs of one browser: a session opened in a new tab is signed in, although tokens are never stored
 * beyond the life of the tabs. Only pages of the same origin receive each other's messages; `name`: of the
 * broadcast channel.
 */
export function createTabs(name: string, token: () => string | null, onSignedOut: () => void): Tabs {
  const channel = new BroadcastChannel(name);
  const waiting = new Set<(token: string) => void>();
  const say = (said: Said) => channel.postMessage(said);
  channel.addEventListener('message', ({ data }: MessageEvent<Said>) => {
    const own = token();
    if (data.kind === 'who' && own !== null) say({ kind: 'token', token: own });
    if (data.kind === 'token') for (const found of waiting) found(data.token);
    if (data.kind === 'out') onSignedOut();
  });
  return {
    ask: () =>
      new Promise((resolve) => {
        const settle = (found: string | null) => {
          waiting.delete(settle);
          clearTimeout(timer);
          resolve(found);
        };
        const timer = setTimeout(() => settle(null), ANSWER_MS);
        waiting.add(settle);
        say({ kind: 'who' });
      }),
    tellSignedOut: () => say({ kind: 'out' }),
  };
}
