import { and, choose, concat, given, gt, join, missing, not, orElse, release, asText } from '../nodes/build.ts';
import { admissionChecks, agentAdmission } from '../objects/admission.ts';
import { agent } from '../objects/agent.ts';
import { agentChecks } from '../objects/agent-checks.ts';
import { sharedChecks, tokenCheck } from '../objects/shared-checks.ts';
import { agentRbac } from '../objects/agent-rbac.ts';
import type { AgentValues } from '../objects/agent-view.ts';
import { apiObjects } from '../objects/api.ts';
import { apiChecks } from '../objects/api-checks.ts';
import { HTTP_PORT } from '../objects/api-env.ts';
import { apiRoutes } from '../objects/api-routes.ts';
import { always, Base, WAVES } from '../objects/base.ts';
import { answerTest } from '../objects/chart-tests.ts';
import { HEALTH_PORT } from '../objects/agent-env.ts';
import { madeSecrets } from '../objects/made-secrets.ts';
import { monitoringObjects } from '../objects/monitoring.ts';
import { namespaceObject } from '../objects/namespace.ts';
import { agentPolicies, apiPolicies, testPolicy } from '../objects/policies.ts';
import { POD_NAMESPACE } from '../objects/pod.ts';
import { redisObjects } from '../objects/redis.ts';
import { storeChoice } from '../objects/store.ts';
import { sharedObjects } from '../objects/secrets.ts';
import { lift } from '../nodes/expression.ts';
import { refsOf } from '../values/refs.ts';
import { StreamspaceValues } from '../values/streamspace.ts';
import type { ValueSchema } from '../values/tree.ts';
import type { ChartSource } from './chart.ts';
import { VERSION } from './version.ts';

const PATHS = {
  agent: 'k8sAgent',
  id: 'k8sAgent.config.agentId',
  url: 'k8sAgent.config.controlPlaneUrl',
  config: 'k8sAgent.config',
  ha: 'k8sAgent.ha',
  serviceAccount: 'k8sAgent.serviceAccount',
  rbac: 'k8sAgent.rbac',
  admission: 'k8sAgent.admissionPolicy',
};

/** The umbrella chart: hub, agent and store. */
export function streamspace(): ChartSource {
  const v = refsOf<StreamspaceValues>(StreamspaceValues);
  const base = new Base(v, 'streamspace');
  const hub = {
    enabled: v.api.enabled,
    url: choose(
      v.api.enabled,
      concat('ws://', base.object('api'), `.${POD_NAMESPACE.text}.svc:`, asText(v.api.service.port)),
      '',
    ),
    port: HTTP_PORT,
  };
  const view: AgentValues = { ...v.k8sAgent, hub };

  const namespace = namespaceObject(base, {
    file: 'shared/namespace.yaml',
    only: v.namespace.create,
    name: release.namespace,
    podSecurity: v.namespace.podSecurity,
    wave: WAVES.namespace,
  });

  return {
    folder: 'chart',
    name: 'streamspace',
    description: 'Desktops and browsers that run in your clusters: control plane, agent and store',
    version: VERSION,
    appVersion: VERSION,
    keywords: ['vnc', 'desktop', 'remote', 'browser', 'vdi'],
    prefix: 'streamspace',
    schema: StreamspaceValues as unknown as ValueSchema,
    introduction: INTRODUCTION,
    resources: [
      namespace,
      ...sharedObjects(base, always, madeSecrets(base, v).only('ENROLMENT_TOKEN')),
      ...redisObjects(base, v),
      ...apiObjects(base, v),
      ...apiRoutes(base, v),
      ...agentRbac(base, view),
      ...agentAdmission(base, view),
      ...agent(base, view),
      ...agentPolicies(base, view),
      testPolicy(base, always),
      ...apiPolicies(base, v),
      ...monitoringObjects(base, v),
      answerTest(base, {
        component: 'api',
        only: v.api.enabled,
        image: base.image('api', v.api.image),
        workload: v.api,
        port: v.api.service.port,
        path: '/api/v1/health',
      }),
      answerTest(base, {
        component: 'k8s-agent',
        only: and(v.k8sAgent.enabled, gt(v.k8sAgent.replicaCount, 0)),
        image: base.image('k8s-agent', v.k8sAgent.image),
        workload: v.k8sAgent,
        port: lift(HEALTH_PORT),
        path: '/ready',
      }),
    ],
    checks: [
      tokenCheck(base, v.api.enabled),
      ...sharedChecks(base),
      ...apiChecks(base, v),
      ...agentChecks(base, view, PATHS),
      ...admissionChecks(view, PATHS),
    ],
    fixedClaim: {
      path: 'redis.persistence',
      only: and(v.api.enabled, storeChoice(v).installed),
      name: base.object('redis'),
      enabled: and(v.redis.persistence.enabled, missing(v.redis.persistence.existingClaim)),
      size: v.redis.persistence.size,
      storageClass: v.redis.persistence.storageClass,
    },
    notes: [
      {
        when: v.api.enabled,
        lines: [
          ['The control plane is ', base.object('api'), ' in ', release.namespace, '.'],
          { when: given(v.api.config.publicUrl), lines: [['Browsers reach it at: ', v.api.config.publicUrl]] },
          {
            when: and(missing(v.api.config.publicUrl), v.api.ingress.enabled),
            lines: [['Browsers reach it at: ', join(v.api.ingress.hosts, ', ')]],
          },
          {
            when: and(missing(v.api.config.publicUrl), v.api.httpRoute.enabled),
            lines: [
              {
                when: given(v.api.httpRoute.hostnames),
                lines: [['Browsers reach it through its Gateway at: ', join(v.api.httpRoute.hostnames, ', ')]],
              },
              {
                when: missing(v.api.httpRoute.hostnames),
                lines: [['Browsers reach it through its Gateway, at that one’s host names.']],
              },
            ],
          },
          {
            when: and(not(v.api.ingress.enabled), not(v.api.httpRoute.enabled)),
            lines: [
              [
                'Reach it from here: kubectl -n ',
                release.namespace,
                ' port-forward svc/',
                base.object('api'),
                ' 8080:',
                asText(v.api.service.port),
              ],
            ],
          },
          {
            when: missing(v.api.auth.jwksUrl),
            lines: [
              ['The first sign-in, by a link for eight hours that this prints:'],
              [
                '  kubectl -n ',
                release.namespace,
                ' exec deployment/',
                base.object('api'),
                ' -c api -- hub link --user you --admin',
              ],
              ['An identity provider replaces it: api.auth.jwksUrl, issuer and audience.'],
            ],
          },
        ],
      },
      {
        when: v.k8sAgent.enabled,
        lines: [
          [
            'The agent ',
            v.k8sAgent.config.agentId,
            ' is ',
            base.object('k8s-agent'),
            '; sessions run in ',
            orElse(v.k8sAgent.config.namespace, release.namespace),
            '.',
          ],
          {
            when: v.k8sAgent.metrics.enabled,
            lines: [
              [
                'Its metrics: kubectl -n ',
                release.namespace,
                ' port-forward svc/',
                base.object('k8s-agent'),
                ' ',
                asText(v.k8sAgent.metrics.port),
              ],
            ],
          },
        ],
      },
      ['Try it: helm test -n ', release.namespace, ' ', release.name],
    ],
  };
}

const INTRODUCTION = `Control plane (\`api\`), the agent of this cluster (\`k8sAgent\`) and a Valkey (\`redis\`) in one release.

\`\`\`sh
helm upgrade --install streamspace ./chart -n streamspace --create-namespace
kubectl -n streamspace exec deployment/streamspace-api -c api -- hub link --user you --admin    # the first sign-in
\`\`\`

No value has to be given. Secrets that nobody gave (\`enrolment\`, \`api.auth\`, \`api.peers\`) are rendered without data, and the hub fills them once, when it first
starts: upgrades, rollbacks and syncs leave them. Name Secrets of your own (\`existingSecret\`), and nothing is made.
`;
