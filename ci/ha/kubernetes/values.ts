import { writeFile } from 'node:fs/promises';
import { run } from '../../kind/host.ts';
import { PROGRAMS } from '../../kind/images.ts';
import { COUNTER, TEMPLATE } from '../counter.ts';

/** Names the image of a pod, so that a rebuilt image replaces it although its tag stays the same. */
const IMAGE = 'streamspace.io/image';
/**
 * Values of the scenarios in addition to test-values/ha.yaml and ci/kind-values.yaml: sessions that start fast and need little
 * (the agent's own image, which the nodes have, with the program above), beside the control plane, so that sessions survive the workers.
 */
const values = (images: Record<keyof typeof PROGRAMS, string>) => ({
  api: {
    podAnnotations: { [IMAGE]: images.api },
    config: {
      rateLimit: 100_000,
      templates: [
        {
          id: TEMPLATE,
          name: 'Counter',
          description: 'A screen that counts',
          platforms: ['kubernetes'],
          image: PROGRAMS.agent,
          cpu: 0.01,
          memory: 64 * 1024 ** 2,
          storage: 16 * 1024 ** 2,
          env: {},
        },
      ],
    },
  },
  k8sAgent: {
    podAnnotations: { [IMAGE]: images.agent },
    config: {
      session: {
        podTemplate: {
          apiVersion: 'v1',
          kind: 'Pod',
          spec: {
            nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
            tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                name: 'session',
                command: ['node', '-e', COUNTER],
                securityContext: { runAsUser: 1000, runAsGroup: 1000 },
                resources: { limits: { cpu: null } },
              },
            ],
          },
        },
      },
    },
  },
});

const idOf = async (image: string) => (await run('docker', ['image', 'inspect', '-f', '{{.Id}}', image])).trim();

/** Writes them to a file for Helm. */
export async function writeValues(path: string): Promise<void> {
  const images = { api: await idOf(PROGRAMS.api), agent: await idOf(PROGRAMS.agent) };
  await writeFile(path, JSON.stringify(values(images), null, 2));
}
