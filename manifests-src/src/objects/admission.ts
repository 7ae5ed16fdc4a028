import type { k8s } from 'cdk8s-plus-28';
import { and, concat, find, given, json, matches, missing, not, orElse, release } from '../nodes/build.ts';
import { ADMISSION_RULES, admissionVariables, REFUSED_OF_TEMPLATE } from './admission-rules.ts';
import type { Paths } from './agent-checks.ts';
import { namespaceOfSessions } from './agent-env.ts';
import type { AgentValues } from './agent-view.ts';
import { type Base, WAVES } from './base.ts';
import { type Check, refuse } from './check.ts';
import { serviceAccountName } from './pod.ts';
import { type ReleaseObject, resource } from './resource.ts';

const COMPONENT = 'k8s-agent';
const GROUP = 'admissionregistration.k8s.io/v1';
const FILE = 'agent/admission-policy.yaml';

/**
 * A cluster-wide policy that lets this agent's ServiceAccount make only session pods of the agent's form in the sessions' namespace.
 * The generated types are of a version in which the kind was beta, with the same fields.
 */
export function agentAdmission(base: Base, view: AgentValues): ReleaseObject[] {
  const only = and(view.enabled, view.admissionPolicy.enabled);
  // a namespace has no dot in its name, so the names of two releases differ
  const name = concat(release.namespace, '.', base.object(COMPONENT));
  const metadata = base.meta(name, { component: COMPONENT, wave: WAVES.settings, namespace: null });
  const user = concat(
    'request.userInfo.username == "system:serviceaccount:',
    release.namespace,
    ':',
    serviceAccountName(base, COMPONENT, view.serviceAccount),
    '"',
  );
  return [
    resource<k8s.KubeValidatingAdmissionPolicyV1Beta1Props>(FILE, only, GROUP, 'ValidatingAdmissionPolicy', {
      metadata,
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespaceOfSessions(view) } },
          resourceRules: [
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              operations: ['CREATE', 'UPDATE'],
              resources: ['pods', 'pods/ephemeralcontainers'],
            },
          ],
        },
        matchConditions: [{ name: 'the-agent', expression: user }],
        variables: admissionVariables(base, view),
        validations: ADMISSION_RULES,
      },
    }),
    resource<k8s.KubeValidatingAdmissionPolicyBindingV1Beta1Props>(
      FILE,
      only,
      GROUP,
      'ValidatingAdmissionPolicyBinding',
      { metadata, spec: { policyName: name, validationActions: ['Deny'] } },
    ),
  ];
}

/** Cases in which the policy has no effect. */
export function admissionChecks(view: AgentValues, paths: Paths): Check[] {
  const only = and(view.enabled, view.admissionPolicy.enabled);
  // null removes a default
  const template = json(orElse(view.config.session.podTemplate, {} as never));
  const or = `or set ${paths.admission}.enabled=false`;
  return [
    refuse(
      and(only, given(view.config.session.podTemplate), matches(template, REFUSED_OF_TEMPLATE)),
      concat(
        `${paths.config}.session.podTemplate: `,
        find(template, REFUSED_OF_TEMPLATE),
        ` is what ${paths.admission} refuses: no session would start; take it out, ${or}`,
      ),
    ),
    refuse(
      and(only, view.rbac.secrets),
      `${paths.admission}: the agent may read every Secret of the namespace by ${paths.rbac}.secrets; set that to false, ${or}`,
    ),
    refuse(
      and(only, not(view.serviceAccount.create), missing(view.serviceAccount.name)),
      `${paths.admission}: without an account of its own the agent is not told from other pods of the namespace (the account default); set ${paths.serviceAccount}.create=true or ${paths.serviceAccount}.name, ${or}`,
    ),
  ];
}
