const API = '/api/v1';

/** Where agents find the hub's endpoints, below the path that the hub lives under. */
export const PATHS = {
  /** The link itself: a WebSocket [WIRE1]. */
  connect: `${API}/agent/connect`,
  /** POST: an enrolment token for a credential [AUTH3]. */
  enrol: `${API}/agents/enrol`,
  /** GET: whether the hub is there. */
  health: `${API}/health`,
} as const;
