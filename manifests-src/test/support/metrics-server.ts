import { readFileSync } from 'node:fs';
import { selfSigned } from '@streamspace/testkit';
import type { Cluster } from './cluster.ts';

/** Answers the metrics API with a little use of every pod, so that autoscalers work where no metrics server is. */
const SERVER = `const { createServer, request } = require('node:https');
const { readFileSync } = require('node:fs');
const account = '/var/run/secrets/kubernetes.io/serviceaccount/';
const get = (path) => new Promise((resolve, reject) => request({ host: 'kubernetes.default.svc', path, ca: readFileSync(account + 'ca.crt'),
  headers: { authorization: 'Bearer ' + readFileSync(account + 'token') } }, (response) => {
    let text = ''; response.on('data', (data) => text += data).on('end', () => resolve(JSON.parse(text)));
  }).on('error', reject).end());
createServer({ key: readFileSync('/tls/tls.key'), cert: readFileSync('/tls/tls.crt') }, async (asked, answer) => {
  const url = new URL(asked.url, 'https://metrics');
  const space = /namespaces\\/([^/]+)\\/pods/.exec(url.pathname)?.[1];
  const send = (body) => answer.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  if (!space) return send({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'metrics.k8s.io/v1beta1', resources: [{ name: 'pods', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] }] });
  const { items } = await get('/api/v1/namespaces/' + space + '/pods?labelSelector=' + encodeURIComponent(url.searchParams.get('labelSelector') ?? ''));
  send({ kind: 'PodMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items: items.map((pod) => ({
    metadata: { name: pod.metadata.name, namespace: space, labels: pod.metadata.labels }, timestamp: new Date().toISOString(), window: '30s',
    containers: pod.spec.containers.map(({ name }) => ({ name, usage: { cpu: '50m', memory: '64Mi' } })) })) });
}).listen(8443);
`;

/** `image`: one in the cluster that has Node. */
export async function installMetrics(cluster: Cluster, image = 'node:24-bookworm-slim'): Promise<void> {
  const { key, certificate } = selfSigned(cluster.folder, 'metrics', 'metrics');
  const base64 = (file: string) => readFileSync(file).toString('base64');
  const meta = { name: 'metrics', namespace: 'kube-system' };
  const labels = { app: 'metrics' };
  await cluster.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: meta,
      type: 'kubernetes.io/tls',
      data: { 'tls.key': base64(key), 'tls.crt': base64(certificate) },
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'metrics' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', ...meta }],
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...meta, labels },
      spec: {
        serviceAccountName: 'metrics',
        containers: [
          {
            name: 'metrics',
            image,
            imagePullPolicy: 'IfNotPresent',
            command: ['node', '-e', SERVER],
            volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
          },
        ],
        volumes: [{ name: 'tls', secret: { secretName: 'metrics' } }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta,
      spec: { selector: labels, ports: [{ port: 443, targetPort: 8443 }] },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1beta1.metrics.k8s.io' },
      spec: {
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { name: 'metrics', namespace: 'kube-system' },
      },
    },
  );
  await cluster.kubectl('wait', '-n', 'kube-system', 'pod/metrics', '--for=condition=Ready', '--timeout=120s');
  await cluster.kubectl('wait', 'apiservice/v1beta1.metrics.k8s.io', '--for=condition=Available', '--timeout=120s');
}
