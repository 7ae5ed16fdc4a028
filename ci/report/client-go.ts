/**
 * client-go v0.34.4 at its defaults (15/10/2), three replicas against a real API server: from the harm to the next leader, milliseconds,
 * median and p95. Election alone, nothing is reconnected. By the scenario that does the same to us. Measured as docs/ha.md tells.
 */
export const CLIENT_GO: Readonly<Record<string, { what: string; median: number; p95: number }>> = {
  H2a: { what: 'SIGTERM', median: 1_030, p95: 2_190 },
  H2b: { what: 'SIGKILL', median: 16_400, p95: 18_100 },
  H2c: { what: 'SIGKILL', median: 16_400, p95: 18_100 },
  H2d: { what: 'SIGKILL', median: 16_400, p95: 18_100 },
  H3a: { what: 'Lease deleted', median: 460, p95: 1_840 },
};
