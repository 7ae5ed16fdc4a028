import { readFile } from 'node:fs/promises';
import type { V1Container, V1Pod, V1PodSpec, V1SecurityContext, V1Volume } from '@kubernetes/client-node';
import { parse, parseAllDocuments } from 'yaml';
import type { PodTemplate } from '../../src/sessions/kubernetes/objects/settings.ts';

const CASE = new URL('../../../test-values/', import.meta.url);

interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** What the chart makes of test-values/admission.yaml: for a release in `streamspace`, its sessions in `sessions`. */
export async function rendered(...kinds: string[]): Promise<Rendered[]> {
  const text = await readFile(new URL('golden/admission.yaml', CASE), 'utf8');
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Rendered | null);
  return objects.filter((object) => object !== null && kinds.includes(object.kind)) as Rendered[];
}

/** The pod template in test-values/admission.yaml. */
export async function templateOfCase(): Promise<PodTemplate> {
  const values = parse(await readFile(new URL('admission.yaml', CASE), 'utf8')) as {
    k8sAgent: { config: { session: { podTemplate: PodTemplate } } };
  };
  return values.k8sAgent.config.session.podTemplate;
}

/** Where objects of a kind are created. */
export const pathOf = ({ apiVersion, kind, metadata: { namespace } }: Rendered): string => {
  const group = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const plural = `${kind.toLowerCase()}s`.replace('policys', 'policies');
  return `${group}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}`;
};

export type Change = (pod: V1Pod) => V1Pod;
/** A copy of a part of a pod with some fields changed. */
export const changed = <T extends object>(part: T | undefined, changes: Partial<T>): T =>
  Object.assign(structuredClone(part ?? ({} as T)), changes);
const spec =
  (changes: (spec: V1PodSpec) => Partial<V1PodSpec>): Change =>
  (pod) =>
    changed(pod, { spec: changed(pod.spec, changes(pod.spec!)) });
const volume = (source: Omit<V1Volume, 'name'>): Change =>
  spec(({ volumes = [] }) => ({ volumes: [...volumes, { name: 'foreign', ...source }] }));
const first = (changes: Partial<V1Container>): Change =>
  spec(({ containers: [one, ...more] }) => ({ containers: [changed(one, changes), ...more] }));
const secured = (changes: V1SecurityContext): Change =>
  spec(({ containers: [one, ...more] }) => ({
    containers: [changed(one, { securityContext: changed(one!.securityContext, changes) }), ...more],
  }));
const init = (changes: Partial<V1Container>): Change =>
  spec(() => ({
    initContainers: [{ name: 'init', image: 'a', securityContext: { allowPrivilegeEscalation: false }, ...changes }],
  }));
const fromSecret = { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'foreign', key: 'a' } } }] };

/** What no pod of the agent may have, and the field that the refusal names. */
export const FORBIDDEN: readonly (readonly [what: string, change: Change, field: string])[] = [
  ['a foreign Secret as a volume', volume({ secret: { secretName: 'foreign' } }), 'spec.volumes[].secret:'],
  [
    'a foreign Secret among projected sources',
    volume({ projected: { sources: [{ secret: { name: 'licences' } }, { secret: { name: 'foreign' } }] } }),
    'spec.volumes[].projected.sources[].secret:',
  ],
  [
    'a token of its ServiceAccount',
    (pod) =>
      volume({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } })(
        spec(() => ({ serviceAccountName: 'default' }))(pod),
      ),
    'spec.volumes[].projected.sources:',
  ],
  ['a driver', volume({ csi: { driver: 'secrets-store.csi.k8s.io' } }), 'spec.volumes[].csi.driver:'],
  [
    'a volume of another kind that takes a Secret',
    volume({ azureFile: { secretName: 'foreign', shareName: 'a' } }),
    'spec.volumes:',
  ],
  ['a folder of the node', volume({ hostPath: { path: '/' } }), 'spec.volumes:'],
  ['a foreign Secret as a variable', first(fromSecret), 'spec.containers[].env[].valueFrom.secretKeyRef:'],
  [
    'a foreign Secret as variables',
    first({ envFrom: [{ secretRef: { name: 'foreign' } }] }),
    'spec.containers[].envFrom[].secretRef:',
  ],
  ['a foreign Secret of an init container', init({ ...fromSecret }), 'spec.containers[].env[].valueFrom.secretKeyRef:'],
  ['a Secret to pull images by', spec(() => ({ imagePullSecrets: [{ name: 'foreign' }] })), 'spec.imagePullSecrets:'],
  [
    'the Secret of the template to pull images by',
    spec(() => ({ imagePullSecrets: [{ name: 'licences' }] })),
    'spec.imagePullSecrets:',
  ],
  [
    'the Secret to pull images by as a volume',
    volume({ secret: { secretName: 'registry' } }),
    'spec.volumes[].secret:',
  ],
  ['another ServiceAccount', spec(() => ({ serviceAccountName: 'builder' })), 'spec.serviceAccountName:'],
  ['a mounted token', spec(() => ({ automountServiceAccountToken: true })), 'spec.automountServiceAccountToken:'],
  [
    'no word on the token',
    spec(() => ({ automountServiceAccountToken: undefined as never })),
    'spec.automountServiceAccountToken:',
  ],
  ['the network of the node', spec(() => ({ hostNetwork: true })), 'spec.hostNetwork:'],
  ['the processes of the node', spec(() => ({ hostPID: true })), 'spec.hostPID:'],
  ['the shared memory of the node', spec(() => ({ hostIPC: true })), 'spec.hostIPC:'],
  ['the users of the node', spec(() => ({ hostUsers: true })), 'spec.hostUsers:'],
  [
    'a process of a Windows node',
    spec(({ securityContext }) => ({
      hostNetwork: true,
      securityContext: changed(securityContext, { windowsOptions: { hostProcess: true } }),
    })),
    'spec.securityContext.windowsOptions.hostProcess,',
  ],
  [
    'a port of the node',
    first({ ports: [{ name: 'screen', containerPort: 5900, hostPort: 5900 }] }),
    'spec.containers[].ports[].hostPort:',
  ],
  [
    'a kernel setting',
    spec(({ securityContext }) => ({
      securityContext: changed(securityContext, { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] }),
    })),
    'spec.securityContext.sysctls:',
  ],
  [
    'a privileged container',
    secured({ privileged: true, allowPrivilegeEscalation: true }),
    'spec.containers[].securityContext.privileged:',
  ],
  [
    'a privileged init container',
    init({ securityContext: { privileged: true } }),
    'spec.containers[].securityContext.privileged:',
  ],
  [
    'an escalation of privilege',
    secured({ allowPrivilegeEscalation: true }),
    'spec.containers[].securityContext.allowPrivilegeEscalation:',
  ],
  [
    'an escalation of privilege by default',
    init({ securityContext: {} }),
    'spec.containers[].securityContext.allowPrivilegeEscalation:',
  ],
  [
    'a capability',
    secured({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }),
    'spec.containers[].securityContext.capabilities.add:',
  ],
  [
    'an unmasked /proc',
    (pod) => secured({ procMount: 'Unmasked' })(spec(() => ({ hostUsers: false }))(pod)),
    'spec.containers[].securityContext.procMount:',
  ],
];

/** What is a little out of the ordinary and allowed all the same. */
export const ALLOWED: readonly (readonly [what: string, change: Change])[] = [
  ['a Secret of the template', volume({ secret: { secretName: 'licences' } })],
  ['a Secret of admissionPolicy.secrets', volume({ secret: { secretName: 'fonts' } })],
  ['a Secret of admissionPolicy.pullSecrets', spec(() => ({ imagePullSecrets: [{ name: 'default-registry' }] }))],
  ['a ConfigMap', volume({ configMap: { name: 'authorities' } })],
  ['the account default by name', spec(() => ({ serviceAccountName: 'default' }))],
  ['users of its own', spec(() => ({ hostUsers: false }))],
  ['an init container', init({})],
];
