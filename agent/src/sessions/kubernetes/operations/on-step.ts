/** Called between two writes: tests observe every step there, and may end the driver. */
export type OnStep = (step: string, sessionId: string) => Promise<void> | void;
