/** State of a screen's connection. */
export type ScreenPhase =
  | { kind: 'connecting' }
  | { kind: 'connected' }
  /** The hub does not answer: keys are held back until it does, or another connection opens. */
  | { kind: 'silent' }
  | { kind: 'reconnecting'; words: string; title?: string | undefined; attempt: number }
  | { kind: 'stopped'; words: string }
  | { kind: 'gone' };
