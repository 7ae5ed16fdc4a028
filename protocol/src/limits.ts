/** Bounds that both ends enforce: SPEC.md [WIRE4], [STR5]. All in bytes unless named otherwise. */
export const LIMITS = {
  /** A control message (JSON text frame). */
  controlMessage: 1024 * 1024,
  /** Payload of one binary data frame. Small, so that control and other streams never wait long behind it. */
  dataFrame: 64 * 1024,
  /** Credit that a stream starts with, per direction. */
  initialCredit: 256 * 1024,
  /** Largest credit, per direction: also the cost of one frozen viewer. */
  maxCredit: 768 * 1024,
  /** Fields of one object of a control message, those of a newer version included. */
  fields: 64,
  /** Largest kept part of one agent's report before its last page. */
  report: 16 * 1024 * 1024,
  /** Sessions in one agent's report … */
  reportedSessions: 10_000,
  /** … and in one page of it, so that a page stays within a control message. */
  sessionsPage: 200,
  /** A picture of a session's screen. */
  picture: 256 * 1024,
  /** Streams on one link. */
  streams: 1024,
  /** Milliseconds between the accepted upgrade and the `hello`. */
  helloMs: 5_000,
} as const;
