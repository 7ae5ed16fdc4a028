import { and, eq, gt, missing, not, orElse, release, asText } from '../nodes/build.ts';
import { lift } from '../nodes/expression.ts';
import { admissionChecks, agentAdmission } from '../objects/admission.ts';
import { agent } from '../objects/agent.ts';
import { agentChecks } from '../objects/agent-checks.ts';
import { aloneTokenCheck, sharedChecks } from '../objects/shared-checks.ts';
import { HEALTH_PORT } from '../objects/agent-env.ts';
import { agentRbac } from '../objects/agent-rbac.ts';
import type { AgentValues } from '../objects/agent-view.ts';
import { always, Base } from '../objects/base.ts';
import { refuse } from '../objects/check.ts';
import { answerTest } from '../objects/chart-tests.ts';
import { alertRules, podMonitor } from '../objects/monitoring.ts';
import { agentPolicies, testPolicy } from '../objects/policies.ts';
import { enrolmentSecret, sharedObjects } from '../objects/secrets.ts';
import { EXAMPLE_URL, K8sAgentValues } from '../values/k8s-agent.ts';
import { refsOf } from '../values/refs.ts';
import type { ValueSchema } from '../values/tree.ts';
import type { ChartSource } from './chart.ts';
import { VERSION } from './version.ts';

const PATHS = {
  agent: 'agent',
  id: 'agent.id',
  url: 'agent.controlPlaneUrl',
  config: 'agent.config',
  ha: 'ha',
  serviceAccount: 'serviceAccount',
  rbac: 'rbac',
  admission: 'admissionPolicy',
};

const NAME = 'k8s-agent';

/** The agent alone, for clusters that hold no control plane. */
export function k8sAgent(): ChartSource {
  const v = refsOf<K8sAgentValues>(K8sAgentValues);
  const base = new Base(v, NAME);
  const token = enrolmentSecret(base);
  const view: AgentValues = {
    ...v.agent,
    enabled: always,
    config: {
      ...v.agent.config,
      agentId: v.agent.id,
      controlPlaneUrl: v.agent.controlPlaneUrl,
      platform: v.agent.platform,
      region: v.agent.region,
      priority: v.agent.priority,
      namespace: v.agent.namespace,
    },
    ha: v.ha,
    rbac: v.rbac,
    admissionPolicy: v.admissionPolicy,
    serviceAccount: v.serviceAccount,
    affinity: v.affinity.custom,
    podAntiAffinity: v.affinity.podAntiAffinity,
    sessionNamespace: v.sessionNamespace,
    resourceQuota: v.resourceQuota,
    hub: undefined,
  };
  return {
    folder: 'chart-k8s-agent',
    name: NAME,
    description: 'The StreamSpace agent for a Kubernetes cluster whose control plane is elsewhere',
    version: VERSION,
    appVersion: VERSION,
    keywords: ['vnc', 'desktop', 'remote', 'browser', 'vdi', 'agent'],
    prefix: 'streamspace-k8s-agent',
    schema: K8sAgentValues as unknown as ValueSchema,
    introduction: INTRODUCTION,
    resources: [
      ...sharedObjects(base, always),
      ...agentRbac(base, view),
      ...agentAdmission(base, view),
      ...agent(base, view),
      ...agentPolicies(base, view),
      testPolicy(base, always),
      podMonitor(base, v.podMonitor, and(v.podMonitor.enabled, v.agent.metrics.enabled)),
      alertRules(base, v.prometheusRule, 'agent'),
      answerTest(base, {
        component: 'k8s-agent',
        only: gt(v.agent.replicaCount, 0),
        image: base.image('k8s-agent', v.agent.image),
        workload: v.agent,
        port: lift(HEALTH_PORT),
        path: '/ready',
      }),
    ],
    checks: [
      aloneTokenCheck(base),
      ...sharedChecks(base),
      ...agentChecks(base, view, PATHS),
      ...admissionChecks(view, PATHS),
      refuse(
        and(v.podMonitor.enabled, not(v.agent.metrics.enabled)),
        'podMonitor.enabled: the agent serves no metrics; set agent.metrics.enabled=true, or turn it off',
      ),
    ],
    notes: [
      ['The agent ', v.agent.id, ' is ', base.object('k8s-agent'), '; it dials ', v.agent.controlPlaneUrl, '.'],
      {
        when: eq(v.agent.controlPlaneUrl, EXAMPLE_URL),
        lines: [
          [
            'That is the default, which is an example; yours: helm upgrade -n ',
            release.namespace,
            ' --reset-then-reuse-values ',
            release.name,
            ' … --set agent.controlPlaneUrl=wss://…',
          ],
        ],
      },
      [
        'It enrols by the token in the Secret ',
        token.name,
        ' (key ',
        token.key,
        '), which is required, and which the control plane has to know too.',
      ],
      {
        when: missing(v.enrolment.token),
        lines: [
          [
            'One that is not there yet: kubectl -n ',
            release.namespace,
            ' create secret generic ',
            token.name,
            ' --from-literal=',
            token.key,
            '=sse_$(openssl rand -hex 32)',
          ],
        ],
      },
      ['Sessions run in ', orElse(v.agent.namespace, release.namespace), '.'],
      {
        when: v.agent.metrics.enabled,
        lines: [
          [
            'Its metrics: kubectl -n ',
            release.namespace,
            ' port-forward svc/',
            base.object('k8s-agent'),
            ' ',
            asText(v.agent.metrics.port),
          ],
        ],
      },
      ['Try it: helm test -n ', release.namespace, ' ', release.name],
    ],
  };
}

const INTRODUCTION = `For clusters that hold no control plane: the agent dials out to one that runs elsewhere.

The token by which it enrols is yours to make, for both ends have to know it. One command makes it:

\`\`\`sh
kubectl -n streamspace create secret generic streamspace-k8s-agent-token --from-literal=token=sse_$(openssl rand -hex 32)
helm upgrade --install streamspace-k8s-agent ./chart-k8s-agent -n streamspace \\
  --set agent.id=eu-1 --set agent.controlPlaneUrl=wss://hub.example.com --set enrolment.existingSecret.name=streamspace-k8s-agent-token
\`\`\`

The control plane is told the same token in a Secret of its own (\`api.agentTokens.existingSecret.name\`: \`eu-1=sse_…\`), or gives it the one that
all its agents may enrol by (\`enrolment\`). A second agent in one cluster gets a release, and best a namespace, of its own.
`;
