/**
 * client-go v0.34.4 at its defaults (15/10/2), three replicas with a real API server: from the fault to the next leader, milliseconds,
 * median and p95. Election alone, without reconnects. By our scenario with the same fault. Measured as in docs/ha.md.
 */
export const CLIENT_GO: Readonly<Record<string, { what: string; median: number; p95: number }>> = {
  H2a: { what: 'SIGTERM', median: 1_030, p95: 2_190 },
  H2b: { what: 'SIGKILL', median: 16_400, p95: 18_100 },
  H2c: { what: 'SIGKILL', median: 16_400, p95: 18_100 },
  H2d: { what: 'SIGKILL', median: 16_400, p95: 18_100 },
  H3a: { what: 'Lease deleted', median: 460, p95: 1_840 },
};
