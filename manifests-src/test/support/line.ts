/**
 * What the agent's guide and the report on its high availability have people type, line by line, in the order of use. Every line runs as it
 * stands here against a release; NOT_RUN has what is left out, and why.
 */
export interface Line {
  /** As it is typed; `<pod-id>`, `<pod>` and `<session-pod>` are the reader's to fill in. */
  readonly type: string;
  /** What is on the screen then. */
  readonly shows?: RegExp;
  /** It goes on until the reader has seen enough. */
  readonly follows?: true;
  /** Typed while it goes on. */
  readonly meanwhile?: Line;
}

export const shows = (type: string, what: RegExp): Line => ({ type, shows: what });
export const follows = (type: string, what: RegExp, meanwhile?: Line): Line => ({
  type,
  shows: what,
  follows: true,
  ...(meanwhile !== undefined && { meanwhile }),
});
