/** How far a screen's connection is. */
export type Phase =
  | { kind: 'connecting' }
  | { kind: 'connected' }
  /** The hub does not answer: keys are kept back until it does, or another connection is there. */
  | { kind: 'silent' }
  | { kind: 'reconnecting'; words: string; attempt: number }
  | { kind: 'stopped'; words: string }
  | { kind: 'gone' };

/** How the desktop meets the window: scaled to fit, pixel by pixel, or resized to the window by the desktop itself. */
export const SCALINGS = ['fit', 'actual', 'match'] as const;
export type Scaling = (typeof SCALINGS)[number];
