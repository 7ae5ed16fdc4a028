/** A program with a screen that speaks RFB. */
export interface Desktop {
  /**
   * Serves the screen on a Unix socket; calls `onReady` when viewers can connect. Resolves when the signal has aborted and everything it
   * started has ended; rejects with the reason, in words, when the desktop ends by itself.
   */
  run(signal: AbortSignal, onReady: () => void): Promise<void>;
}

/** The input of a desktop. */
export interface DesktopOrder {
  /** Unix socket for viewers, in a folder that only this user can open. */
  readonly screen: string;
  /** The session's own folder, for files that are deleted with the session. */
  readonly folder: string;
  readonly home: string;
  readonly id: string;
  /** Mark of this start, in the environment of all its programs. */
  readonly start: string;
  readonly name: string;
  readonly user: string;
  readonly template: string;
  /** Program to run instead of the terminal, as words separated by spaces; empty: the terminal. */
  readonly program: string;
  /** Environment of the desktop's programs. */
  readonly env: Readonly<Record<string, string>>;
}
