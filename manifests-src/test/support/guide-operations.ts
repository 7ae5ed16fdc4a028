import { type Line, shows } from './line.ts';

/** The guide: an agent that is there, until it is drained. */
export const OPERATIONS: readonly Line[] = [
  shows(
    `kubectl set image deployment/streamspace-k8s-agent \\
  agent=streamspace/k8s-agent:v2.1 \\
  -n streamspace
kubectl rollout status deployment/streamspace-k8s-agent -n streamspace`,
    /successfully rolled out/,
  ),
  shows(
    `kubectl scale deployment/streamspace-k8s-agent --replicas=0 -n streamspace
kubectl wait --for=delete pod -l component=k8s-agent -n streamspace --timeout=60s
kubectl set image deployment/streamspace-k8s-agent \\
  agent=streamspace/k8s-agent:v2.1 \\
  -n streamspace
kubectl scale deployment/streamspace-k8s-agent --replicas=1 -n streamspace`,
    /scaled$/m,
  ),
  shows('kubectl rollout status deployment/streamspace-k8s-agent -n streamspace', /successfully rolled out/),
  shows('kubectl delete pod -l component=k8s-agent -n streamspace', /deleted/),
  shows('kubectl rollout restart deployment/streamspace-k8s-agent -n streamspace', /restarted/),
  shows('kubectl rollout status deployment/streamspace-k8s-agent -n streamspace', /successfully rolled out/),
  shows(
    `kubectl set env deployment/streamspace-k8s-agent \\
  VNC_TUNNEL_TIMEOUT=2h \\
  -n streamspace
kubectl set env deployment/streamspace-k8s-agent \\
  MAX_CONCURRENT_OPERATIONS=5 \\
  -n streamspace
kubectl set env deployment/streamspace-k8s-agent \\
  MAX_SESSIONS=50 \\
  -n streamspace`,
    /env updated/,
  ),
  shows('kubectl rollout status deployment/streamspace-k8s-agent -n streamspace', /successfully rolled out/),
  shows('kubectl logs -n streamspace streamspace-k8s-agent-<pod-id>', /"Connected"/),
  // the nodes of a test may have less than that: it is asked for, not waited for
  shows(
    `kubectl set resources deployment/streamspace-k8s-agent \\
  --limits=cpu=2000m,memory=2Gi \\
  --requests=cpu=1000m,memory=1Gi \\
  -n streamspace
kubectl set resources deployment/streamspace-k8s-agent \\
  --limits=memory=2Gi \\
  --requests=memory=1Gi \\
  -n streamspace`,
    /resource requirements updated/,
  ),
  shows(
    `curl -X PATCH -H "Authorization: Bearer $JWT_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{"status": "offline"}' \\
  https://streamspace.example.com/api/v1/agents/k8s-prod-us-east-1`,
    /"draining":true/,
  ),
  shows('kubectl scale deployment/streamspace-k8s-agent --replicas=0 -n streamspace', /scaled/),
];

/** After a container of the agent has ended, and another one has begun in its pod. */
export const PREVIOUS = shows(
  'kubectl logs -n streamspace streamspace-k8s-agent-<pod-id> --previous',
  /"Agent started"/,
);

/** More agents: these start where their control planes know them. */
export const MORE: readonly Line[] = [
  `helm install streamspace-k8s-agent-eu streamspace/k8s-agent \\
  --set agent.id=k8s-prod-eu-west-1 \\
  --set agent.region=eu-west-1 \\
  -n streamspace`,
  `helm install streamspace-agent-us-east streamspace/k8s-agent \\
  --set agent.id=k8s-us-east \\
  --set agent.region=us-east-1 \\
  --kubeconfig ~/.kube/config-us-east \\
  -n streamspace`,
  `helm install streamspace-agent-eu-west streamspace/k8s-agent \\
  --set agent.id=k8s-eu-west \\
  --set agent.region=eu-west-1 \\
  --kubeconfig ~/.kube/config-eu-west \\
  -n streamspace`,
  `helm install streamspace-agent-tenant-a streamspace/k8s-agent \\
  --set agent.id=k8s-tenant-a \\
  --set agent.namespace=tenant-a \\
  -n tenant-a`,
  `helm install streamspace-agent-tenant-b streamspace/k8s-agent \\
  --set agent.id=k8s-tenant-b \\
  --set agent.namespace=tenant-b \\
  -n tenant-b`,
  `helm install streamspace-agent-primary streamspace/k8s-agent \\
  --set agent.id=k8s-primary \\
  --set agent.priority=high \\
  -n streamspace`,
  `helm install streamspace-agent-standby streamspace/k8s-agent \\
  --set agent.id=k8s-standby \\
  --set agent.priority=low \\
  --set affinity.podAntiAffinity.enabled=true \\
  -n streamspace`,
].map((type) => shows(type, /STATUS: deployed/));
