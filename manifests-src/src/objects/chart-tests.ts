import { concat, given, release, asText } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { when } from '../nodes/tree.ts';
import type { Base, Component } from './base.ts';
import { HARDENED, podSecurity, imagePullSecrets, type Workload } from './pod.ts';
import { custom, type ReleaseObject } from './resource.ts';

const SCRIPT = `const url = process.argv[1];
for (let left = 30; ; left--) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
    console.log(url, answer.status, await answer.text());
    if (answer.ok) process.exit(0);
  } catch (error) {
    console.log(url, error.message, error.cause?.message ?? '');
  }
  if (left === 0) process.exit(1);
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
`;

/** A pod that `helm test` runs: fetches a URL until the answer is good. */
export function answerTest(
  base: Base,
  options: {
    component: Component;
    only: Expr<boolean>;
    image: Expr<string>;
    workload: Pick<Workload, 'image' | 'runAsUser' | 'nodeSelector' | 'tolerations'>;
    port: Expr<number>;
    path: string;
  },
): ReleaseObject {
  const { component, only, image, workload, port, path } = options;
  const host = concat('http://', base.object(component), '.', release.namespace, '.svc:', asText(port), path);
  const object = custom(`tests/${component}.yaml`, only, 'v1', 'Pod', {
    metadata: {
      name: base.object(`${component}-test`),
      namespace: release.namespace,
      labels: base.test,
      annotations: { 'helm.sh/hook': 'test', 'helm.sh/hook-delete-policy': 'before-hook-creation' },
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: podSecurity(workload.runAsUser),
      nodeSelector: when(given(workload.nodeSelector), workload.nodeSelector),
      tolerations: when(given(workload.tolerations), workload.tolerations),
      imagePullSecrets: imagePullSecrets(base),
      containers: [
        {
          name: 'test',
          image,
          imagePullPolicy: workload.image.pullPolicy,
          command: ['node', '--input-type=module', '-e', SCRIPT, host],
          resources: {
            requests: { cpu: '10m', memory: '64Mi', 'ephemeral-storage': '1Mi' },
            limits: { cpu: '500m', memory: '128Mi', 'ephemeral-storage': '16Mi' },
          },
          securityContext: HARDENED,
        },
      ],
    },
  });
  return { ...object, test: true };
}
