import { choose, concat, given, json, namesUnder } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import type { AgentValues } from './agent-view.ts';
import type { Base } from './base.ts';

interface Variable {
  readonly name: string;
  readonly expression: string | Expr<string>;
}
interface Rule {
  readonly expression: string;
  readonly message: string;
}

/** Places where a pod names Secrets, except pull secrets. */
const SECRET_KEYS = ['secret', 'secretName', 'secretRef', 'secretKeyRef', 'nodePublishSecretRef'];

const listOf = (names: Expr<readonly string[]>): Expr<string> => choose(given(names), json(names), '[]');

/** Vocabulary of the rules. */
export function admissionVariables(base: Base, view: AgentValues): Variable[] {
  const { podTemplate } = view.config.session;
  const { own, global } = base.pullSecrets;
  return [
    { name: 'spec', expression: 'dyn(object.spec)' },
    { name: 'volumes', expression: 'variables.spec.?volumes.orValue([])' },
    {
      name: 'containers',
      expression:
        'variables.spec.containers + variables.spec.?initContainers.orValue([]) + variables.spec.?ephemeralContainers.orValue([])',
    },
    {
      name: 'secrets',
      expression: concat(listOf(view.admissionPolicy.secrets), ' + ', namesUnder(podTemplate, SECRET_KEYS)),
    },
    {
      name: 'pullSecrets',
      expression: concat(
        listOf(own),
        ' + ',
        listOf(global),
        ' + ',
        listOf(view.admissionPolicy.pullSecrets),
        ' + ',
        namesUnder(podTemplate, ['imagePullSecrets']),
      ),
    },
    { name: 'drivers', expression: namesUnder(podTemplate, ['driver']) },
  ];
}

const anyOf = (of: string, kinds: readonly string[]): string => kinds.map((kind) => `has(${of}.${kind})`).join(' || ');

/** Sources of volumes that reach neither the node nor a Secret, or that have a separate rule. */
const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

const SECRETS_OF_TEMPLATE = 'takes no Secret but those of the pod template and of admissionPolicy.secrets';

const isAllowed = (name: string): string => `${name}.orValue("") in variables.secrets`;

const secrets: Rule[] = [
  {
    expression: `variables.volumes.all(v, ${anyOf('v', VOLUMES)})`,
    message: `spec.volumes: takes ${VOLUMES.join(', ')}; nothing of the node (hostPath), no other driver`,
  },
  {
    expression: `variables.volumes.all(v, !has(v.secret) || ${isAllowed('v.secret.?secretName')})`,
    message: `spec.volumes[].secret: ${SECRETS_OF_TEMPLATE}`,
  },
  {
    expression: `variables.volumes.all(v, !has(v.projected) || v.projected.?sources.orValue([]).all(s, !has(s.secret) || ${isAllowed('s.secret.?name')}))`,
    message: `spec.volumes[].projected.sources[].secret: ${SECRETS_OF_TEMPLATE}`,
  },
  {
    expression: `variables.volumes.all(v, !has(v.projected) || v.projected.?sources.orValue([]).all(s, ${anyOf('s', ['configMap', 'downwardAPI', 'secret', 'clusterTrustBundle'])}))`,
    message:
      'spec.volumes[].projected.sources: takes configMap, downwardAPI, secret, clusterTrustBundle; no token or certificate of a ServiceAccount',
  },
  {
    expression: 'variables.volumes.all(v, !has(v.csi) || v.csi.driver in variables.drivers)',
    message: 'spec.volumes[].csi.driver: takes no driver but those of the pod template',
  },
  {
    expression: `variables.volumes.all(v, !has(v.csi) || !has(v.csi.nodePublishSecretRef) || ${isAllowed('v.csi.nodePublishSecretRef.?name')})`,
    message: `spec.volumes[].csi.nodePublishSecretRef: ${SECRETS_OF_TEMPLATE}`,
  },
  {
    expression: `variables.containers.all(c, c.?envFrom.orValue([]).all(e, !has(e.secretRef) || ${isAllowed('e.secretRef.?name')}))`,
    message: `spec.containers[].envFrom[].secretRef: ${SECRETS_OF_TEMPLATE}`,
  },
  {
    expression: `variables.containers.all(c, c.?env.orValue([]).all(e, !has(e.valueFrom) || !has(e.valueFrom.secretKeyRef) || ${isAllowed('e.valueFrom.secretKeyRef.?name')}))`,
    message: `spec.containers[].env[].valueFrom.secretKeyRef: ${SECRETS_OF_TEMPLATE}`,
  },
  {
    expression: 'variables.spec.?imagePullSecrets.orValue([]).all(s, s.?name.orValue("") in variables.pullSecrets)',
    message:
      'spec.imagePullSecrets: takes no Secret but those of imagePullSecrets, of the pod template and of admissionPolicy.pullSecrets',
  },
];

const account: Rule[] = [
  {
    expression: 'variables.spec.?serviceAccountName.orValue("") in ["", "default"]',
    message: 'spec.serviceAccountName: takes no ServiceAccount but default',
  },
  {
    expression: 'variables.spec.?automountServiceAccountToken.orValue(true) == false',
    message: 'spec.automountServiceAccountToken: must be false',
  },
];

/** A field of the pod that must not be true. */
const neverTrue = (field: string): Rule => ({
  expression: `variables.spec.?${field}.orValue(false) == false`,
  message: `spec.${field}: must not be true`,
});

const CONTAINERS = 'spec.containers[].securityContext';
const onEach = (condition: string): string => `variables.containers.all(c, ${condition})`;

const host: Rule[] = [
  // only the first broken rule is reported: a host process of a Windows node also has its network, and with that all its ports
  {
    expression: `variables.spec.?securityContext.?windowsOptions.?hostProcess.orValue(false) == false && ${onEach('c.?securityContext.?windowsOptions.?hostProcess.orValue(false) == false')}`,
    message: `spec.securityContext.windowsOptions.hostProcess, ${CONTAINERS}.windowsOptions.hostProcess: must not be true`,
  },
  ...['hostNetwork', 'hostPID', 'hostIPC', 'hostUsers'].map(neverTrue),
  {
    expression: onEach('c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0)'),
    message: 'spec.containers[].ports[].hostPort: takes no port of the node',
  },
  {
    expression: 'variables.spec.?securityContext.?sysctls.orValue([]).size() == 0',
    message: 'spec.securityContext.sysctls: takes none',
  },
];

const privilege: Rule[] = [
  {
    expression: onEach('c.?securityContext.?privileged.orValue(false) == false'),
    message: `${CONTAINERS}.privileged: must not be true`,
  },
  {
    expression: onEach('c.?securityContext.?allowPrivilegeEscalation.orValue(true) == false'),
    message: `${CONTAINERS}.allowPrivilegeEscalation: must be false`,
  },
  {
    expression: onEach('c.?securityContext.?capabilities.?add.orValue([]).size() == 0'),
    message: `${CONTAINERS}.capabilities.add: takes none`,
  },
  {
    expression: onEach('c.?securityContext.?procMount.orValue("Default") == "Default"'),
    message: `${CONTAINERS}.procMount: takes Default only`,
  },
];

/** Requirements for each pod that the agent makes. "Containers" includes init and ephemeral ones. */
export const ADMISSION_RULES: readonly Rule[] = [...secrets, ...account, ...host, ...privilege];

/** Parts of a pod template, as JSON, that the rules refuse in any case. */
export const REFUSED_OF_TEMPLATE =
  '"(hostNetwork|hostPID|hostIPC|hostUsers|hostProcess|privileged|allowPrivilegeEscalation|automountServiceAccountToken)":true|"(hostPath|serviceAccountToken)":[{]|"(add|sysctls)":[[]["{]|"(serviceAccountName|serviceAccount)":"|"hostPort":[1-9]|"procMount":"Unmasked"';
