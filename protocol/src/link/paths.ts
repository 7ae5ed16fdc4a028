const API = '/api/v1';

/** Paths of the hub's endpoints for agents, below the hub's own path. */
export const PATHS = {
  /** The link: a WebSocket [WIRE1]. */
  connect: `${API}/agent/connect`,
  /** POST: exchanges an enrolment token for a credential [AUTH3]. */
  enrol: `${API}/agents/enrol`,
  /** GET: whether the hub answers. */
  health: `${API}/health`,
} as const;
