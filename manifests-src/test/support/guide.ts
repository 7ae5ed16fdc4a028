import { DEPLOYMENT, NAMESPACE, NETWORK_POLICY, QUOTA, RBAC } from './guide-manifests.ts';
import { follows, type Line, shows } from './line.ts';

const LOGS = 'kubectl logs -n streamspace -l component=k8s-agent -f';
/** One agent, as `jq` shows it. */
const AGENT =
  /^(?=[^]*"id": "k8s-prod-us-east-1")(?=[^]*"region": "us-east-1")[^]*"capacity": \{\n +"cpu": "\d+m",\n[^}]*"memory": "\d+[KMGT]i",\n[^}]*"max_sessions": \d+\n/;
const AGENTS = `curl -H "Authorization: Bearer $JWT_TOKEN" \\
  https://streamspace.example.com/api/v1/agents`;

/** The command that makes the token of an agent alone; it comes before the first agent. */
export const TOKEN = `kubectl create secret generic streamspace-k8s-agent-token \\
  --from-literal=token=$(openssl rand -base64 32) \\
  -n streamspace`;

/** Without a chart. */
export const PLAIN: readonly Line[] = [
  shows('kubectl create namespace streamspace', /created/),
  shows(`${NAMESPACE}kubectl apply -f namespace.yaml`, /configured/),
  shows(`${RBAC}kubectl apply -f rbac.yaml`, /role.rbac.authorization.k8s.io\/streamspace-k8s-agent created/),
  shows(TOKEN, /secret\/streamspace-k8s-agent-token created/),
  shows(`${DEPLOYMENT}kubectl apply -f deployment.yaml`, /deployment.apps\/streamspace-k8s-agent created/),
  shows('kubectl rollout status deployment/streamspace-k8s-agent -n streamspace', /successfully rolled out/),
  shows('kubectl get pods -n streamspace -l component=k8s-agent', /^streamspace-k8s-agent-\w+-\w+ +1\/1/m),
  follows(LOGS, /"Connected"/),
  shows(AGENTS, /"id":"k8s-prod-us-east-1"/),
  // it lets the agent out at port 443 alone, which is not every API server's
  shows(`${NETWORK_POLICY}kubectl apply -f networkpolicy.yaml`, /created/),
];

/** The guide: an agent alone, from its installation on. */
export const INSTALL: readonly Line[] = [
  // the address is the reader's own
  shows(
    `helm repo add streamspace https://streamspace.io/charts
helm repo update`,
    /Update Complete/,
  ),
  shows(
    `cat > k8s-agent-values.yaml <<EOF
agent:
  # REQUIRED: Unique agent identifier
  id: k8s-prod-us-east-1

  # REQUIRED: Control Plane WebSocket URL
  controlPlaneUrl: wss://streamspace.example.com

  # Platform type (default: kubernetes)
  platform: kubernetes

  # Deployment region (optional, for UI display)
  region: us-east-1

  # Target namespace for sessions (default: streamspace)
  namespace: streamspace

  # Resource limits
  resources:
    requests:
      cpu: 500m
      memory: 512Mi
    limits:
      cpu: 1000m
      memory: 1Gi

  # Replica count (1 recommended per cluster/region)
  replicaCount: 1

# RBAC configuration
rbac:
  create: true

serviceAccount:
  create: true
  name: streamspace-k8s-agent
EOF
helm install streamspace-k8s-agent streamspace/k8s-agent \\
  --namespace streamspace \\
  --create-namespace \\
  --values k8s-agent-values.yaml`,
    /STATUS: deployed/,
  ),
  shows('kubectl rollout status deployment/streamspace-k8s-agent -n streamspace', /successfully rolled out/),
  shows(
    'kubectl get pods -n streamspace -l app=streamspace,component=k8s-agent',
    /^streamspace-k8s-agent-\w+-\w+ +1\/1/m,
  ),
  follows('kubectl logs -n streamspace -l app=streamspace,component=k8s-agent -f', /"Connected"/),
  shows(AGENTS, /"id":"k8s-prod-us-east-1"/),
  shows(AGENTS.replace('_TOKEN', ''), /"id":"k8s-prod-us-east-1"/),
  shows(`${AGENTS} | jq`, /"id": "k8s-prod-us-east-1",\n/),
  shows(`${AGENTS}/k8s-prod-us-east-1 | jq`, AGENT),
  shows('kubectl get pods -n streamspace -l component=k8s-agent', /^streamspace-k8s-agent-\w+-\w+ +1\/1/m),
  follows(LOGS, /"Connected"/),
  follows(`${LOGS} --tail=100`, /"Agent started"/),
  follows(`${LOGS} --tail=100 --timestamps`, /^\d{4}-\d\d-\d\dT\S+ \{.*"Agent started"/m),
  follows('kubectl logs -n streamspace streamspace-k8s-agent-<pod-id> -f', /"Agent started"/),
  // nothing, while all is well
  { type: `${LOGS} | grep -i error`, follows: true },
  { type: `${LOGS} | grep -i vnc`, follows: true },
  shows(
    'kubectl describe pod -n streamspace streamspace-k8s-agent-<pod-id>',
    /^Service Account: +streamspace-k8s-agent$/m,
  ),
  shows(
    'kubectl get deployment streamspace-k8s-agent -n streamspace -o yaml | grep -A 20 env:',
    /name: AGENT_ID\n +value: k8s-prod-us-east-1/,
  ),
  shows(
    'kubectl auth can-i create pods --as=system:serviceaccount:streamspace:streamspace-k8s-agent -n streamspace',
    /^yes$/m,
  ),
  shows('kubectl describe pod -n streamspace -l component=k8s-agent | grep -A 5 Limits', /cpu: +1\n/),
  shows('kubectl top pod -n streamspace -l component=k8s-agent', /^streamspace-k8s-agent-\w+-\w+ /m),
  follows(
    'kubectl port-forward -n streamspace svc/streamspace-k8s-agent 9090:9090',
    /Forwarding from .* -> 9090/,
    shows('curl http://localhost:9090/metrics', /^streamspace_agent_uptime_seconds [\d.]+$/m),
  ),
  // what follows runs under this one and the chart's own
  shows(`${NETWORK_POLICY}kubectl apply -f networkpolicy.yaml`, /created/),
  shows('kubectl get secrets -n streamspace', /streamspace-k8s-agent-token/),
  shows(`${QUOTA}kubectl apply -f quota.yaml`, /created/),
  shows('kubectl describe resourcequota -n streamspace', /requests\.storage +\S+ +1Ti/),
  shows('kubectl get storageclass', /\(default\)/),
  shows(`${RBAC}kubectl apply -f rbac.yaml`, /role.rbac.authorization.k8s.io\/streamspace-k8s-agent configured/),
];

/** Its ports; `agent-pod` is the reader's to reach. */
export const HEALTH: readonly Line[] = [
  shows('curl http://agent-pod:8080/health', /^\{"status":"ok","agent_id":"k8s-prod-us-east-1","uptime":\d+\}/),
  shows(
    'curl http://agent-pod:8080/ready',
    /^\{"status":"ready",.*"control_plane_connected":true,"last_heartbeat":"\S+Z"/,
  ),
  shows('curl http://agent-pod:9090/metrics', /^streamspace_agent_uptime_seconds [\d.]+$/m),
];

/** With a session of the agent that is running, under the guide's own Role and quota. */
export const SESSIONS: readonly Line[] = [
  shows('kubectl get pods -n streamspace -l app=session', /^\S+ +1\/1 +Running/m),
  shows('kubectl get events -n streamspace --sort-by=.metadata.creationTimestamp | tail -20', /pod\//),
  shows('kubectl logs -n streamspace <session-pod>', /^/),
  follows('kubectl port-forward -n streamspace <session-pod> 5900:5900', /Forwarding from .* -> 5900/),
  shows('kubectl delete pods -n streamspace -l agent=k8s-prod-us-east-1', /deleted/),
];

/** What is not run, and why. */
export const NOT_RUN: readonly (readonly [lines: string, why: string])[] = [
  [
    'git clone …, go build …, docker build … -t streamspace/k8s-agent:local ., docker tag …, docker push …',
    'another program, from another repository, to another registry',
  ],
  ['kubectl exec … -- wget -O- https://streamspace.example.com/api/v1/health', 'no wget in the agent’s image'],
  ['kubectl exec … -- nslookup streamspace.example.com', 'no nslookup in the agent’s image'],
  [
    'kubectl exec -n streamspace <session-pod> -- netstat -ln | grep 5900',
    'netstat is in the desktop’s image, which takes minutes to build: the session of the test is a light one',
  ],
  ['kind: ServiceMonitor', 'no Prometheus Operator in the cluster; the labels and the port that it selects are tested'],
  [
    'SESSION_POD_TEMPLATE, affinity, LOG_FORMAT, log-forwarder',
    'parts of a manifest that are the reader’s to put in; the values that are the same are tested with the chart',
  ],
];
