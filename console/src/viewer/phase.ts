/** How far a screen's connection is. */
export type Phase =
  | { kind: 'connecting' }
  | { kind: 'connected' }
  /** The hub does not answer: keys are kept back until it does, or another connection is there. */
  | { kind: 'silent' }
  | { kind: 'reconnecting'; words: string; title?: string | undefined; attempt: number }
  | { kind: 'stopped'; words: string }
  | { kind: 'gone' };
