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

export const RELEASE = { name: 'streamspace', namespace: 'desktops', service: 'Helm' };
