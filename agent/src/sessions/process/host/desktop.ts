/** Something with a screen that speaks RFB. */
export interface Desktop {
  /**
   * Serves the screen on a Unix socket; calls `onReady` when viewers may come. Resolves when the signal has aborted and
   * everything it started has ended; rejects with the reason, in words, when the desktop dies by itself.
   */
  run(signal: AbortSignal, onReady: () => void): Promise<void>;
}

/** What a desktop is made from. */
export interface DesktopOrder {
  /** Unix socket for viewers, in a folder that only this user can enter. */
  readonly screen: string;
  /** The session's own folder for files that don't outlive it. */
  readonly folder: string;
  readonly home: string;
  readonly id: string;
  /** Mark of this start, in the environment of everything it runs. */
  readonly start: string;
  readonly name: string;
  readonly user: string;
  readonly template: string;
  /** Program to run instead of the terminal: words separated by spaces; empty for the terminal. */
  readonly program: string;
  /** Environment of what runs on the desktop. */
  readonly env: Readonly<Record<string, string>>;
}
