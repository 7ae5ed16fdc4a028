/** Values with which a release works, by the chart's name. */
export const BASES: Readonly<Record<string, Record<string, unknown>>> = {
  streamspace: {
    enrolment: { existingSecret: { name: 'enrolment' } },
    api: {
      auth: { jwksUrl: 'https://idp.example.com/keys', issuer: 'https://idp.example.com/', audience: 'streamspace' },
      peers: { existingSecret: { name: 'peers' } },
    },
    k8sAgent: { config: { agentId: 'eu-1' } },
  },
  'k8s-agent': {
    enrolment: { existingSecret: { name: 'enrolment' } },
    agent: { id: 'eu-1', controlPlaneUrl: 'wss://hub.example.com' },
  },
};

/** Bases of random values: with every secret given, and where a chart works with nothing given, with nothing. */
export const basesOf = (name: string): readonly Record<string, unknown>[] =>
  name === 'streamspace' ? [BASES[name]!, {}] : [BASES[name]!];

export const RELEASE = { name: 'streamspace', namespace: 'desktops', service: 'Helm' };
