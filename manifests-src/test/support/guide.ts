/**
 * What the agent's guide and the report on its high availability have people type, line by line, in the order of use. Every line runs as it
 * stands here against a release. What is left out is not ours: `helm repo add` of another host, images of another registry, `wget` and
 * `nslookup`, building from source, and `curl`. `netstat` is in the desktop's image.
 */
export interface Line {
  /** As it is typed; `<pod-id>`, `<pod>` and `<session-pod>` are the reader's to fill in. */
  readonly type: string;
  /** What is on the screen then. */
  readonly shows?: RegExp;
  /** It goes on until the reader has seen enough. */
  readonly follows?: true;
}

const shows = (type: string, what: RegExp): Line => ({ type, shows: what });
const follows = (type: string, what: RegExp): Line => ({ type, shows: what, follows: true });
const LOGS = 'kubectl logs -n streamspace -l component=k8s-agent -f';

/** The report: replicas and their election, of the umbrella chart. */
export const REPORT: readonly Line[] = [
  shows('kubectl scale deployment streamspace-k8s-agent -n streamspace --replicas=3', /scaled/),
  shows('kubectl get pods -n streamspace -l app.kubernetes.io/component=k8s-agent', /^streamspace-k8s-agent-\w+-\w+ /m),
  shows('kubectl get lease -n streamspace', /^$/),
  shows(
    "kubectl get deployment streamspace-k8s-agent -o jsonpath='{.spec.template.spec.containers[0].env[*].name}'",
    /AGENT_ID (.* )?CONTROL_PLANE_URL (.* )?PLATFORM (.* )?NAMESPACE (.* )?MAX_SESSIONS /,
  ),
  shows(
    'kubectl logs -n streamspace -l app.kubernetes.io/component=k8s-agent --prefix',
    /^\[pod\/streamspace-k8s-agent-\w+-\w+\/agent\] .*"Connected"/m,
  ),
  shows(
    `helm upgrade streamspace ./chart \\
  -n streamspace \\
  --set k8sAgent.replicaCount=3 \\
  --set k8sAgent.ha.enabled=true`,
    /STATUS: deployed/,
  ),
  shows('kubectl rollout status deployment/streamspace-k8s-agent -n streamspace', /successfully rolled out/),
  shows('kubectl get lease -n streamspace', /^k8s-agent-leader-election +streamspace-k8s-agent-\w+-\w+/m),
  shows('kubectl logs -n streamspace -l app.kubernetes.io/component=api | grep "Registered agent"', /Registered agent/),
  shows(
    `cat > ha-test-values.yaml <<EOF
k8sAgent:
  replicaCount: 3
  ha:
    enabled: true
  config:
    agentId: "k8s-prod-cluster"
EOF
helm upgrade streamspace ./chart \\
  -n streamspace \\
  -f ha-test-values.yaml`,
    /STATUS: deployed/,
  ),
  shows('kubectl rollout status deployment/streamspace-k8s-agent -n streamspace', /successfully rolled out/),
  shows('kubectl logs -n streamspace -l app.kubernetes.io/component=k8s-agent | grep -i leader', /leader/i),
  shows(
    `helm upgrade streamspace ./chart \\
     --set k8sAgent.replicaCount=3 \\
     --set k8sAgent.ha.enabled=true`,
    /STATUS: deployed/,
  ),
  shows('kubectl scale deployment streamspace-k8s-agent -n streamspace --replicas=1', /scaled/),
  shows('kubectl get pods -n streamspace -l app.kubernetes.io/component=k8s-agent', /^streamspace-k8s-agent-\w+-\w+ /m),
];

/** The command that makes the token of an agent alone; it comes before the first agent. */
export const TOKEN = `kubectl create secret generic streamspace-k8s-agent-token \\
  --from-literal=token=$(openssl rand -base64 32) \\
  -n streamspace`;

const RBAC = `cat > rbac.yaml <<'EOF'
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: streamspace-k8s-agent
  namespace: streamspace
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: streamspace-k8s-agent
  namespace: streamspace
rules:
# Pods
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["get", "list", "watch", "create", "delete", "patch"]
- apiGroups: [""]
  resources: ["pods/log"]
  verbs: ["get", "list"]
- apiGroups: [""]
  resources: ["pods/portforward"]
  verbs: ["get", "list", "create"]
# Services
- apiGroups: [""]
  resources: ["services"]
  verbs: ["get", "list", "watch", "create", "delete", "patch"]
# PVCs
- apiGroups: [""]
  resources: ["persistentvolumeclaims"]
  verbs: ["get", "list", "watch", "create", "delete", "patch"]
# ConfigMaps (for agent config)
- apiGroups: [""]
  resources: ["configmaps"]
  verbs: ["get", "list", "watch"]
# Secrets (for session credentials)
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get", "list", "watch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: streamspace-k8s-agent
  namespace: streamspace
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: streamspace-k8s-agent
subjects:
- kind: ServiceAccount
  name: streamspace-k8s-agent
  namespace: streamspace
EOF
`;

const QUOTA = `cat > quota.yaml <<'EOF'
apiVersion: v1
kind: ResourceQuota
metadata:
  name: streamspace-agent-quota
  namespace: streamspace
spec:
  hard:
    pods: "100"
    requests.cpu: "50"
    requests.memory: "100Gi"
    limits.cpu: "100"
    limits.memory: "200Gi"
    persistentvolumeclaims: "100"
    requests.storage: "1Ti"
EOF
`;

/** The guide: an agent alone, from its installation on. */
export const INSTALL: readonly Line[] = [
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
  shows('kubectl get pods -n streamspace -l component=k8s-agent', /^streamspace-k8s-agent-\w+-\w+ +1\/1/m),
  follows(LOGS, /"Connected"/),
  follows(`${LOGS} --tail=100`, /"Agent started"/),
  follows(`${LOGS} --tail=100 --timestamps`, /^\d{4}-\d\d-\d\dT\S+ \{.*"Agent started"/m),
  follows('kubectl logs -n streamspace streamspace-k8s-agent-<pod-id> -f', /"Agent started"/),
  follows(`${LOGS} | grep -i error`, /"Connected"/),
  follows(`${LOGS} | grep -i vnc`, /"Connected"/),
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
  follows('kubectl port-forward -n streamspace svc/streamspace-k8s-agent 9090:9090', /Forwarding from .* -> 9090/),
  shows('kubectl get secrets -n streamspace', /streamspace-k8s-agent-token/),
  shows(`${QUOTA}kubectl apply -f quota.yaml`, /created/),
  shows('kubectl describe resourcequota -n streamspace', /requests\.storage +\S+ +1Ti/),
  shows('kubectl get storageclass', /\(default\)/),
  shows(`${RBAC}kubectl apply -f rbac.yaml`, /role.rbac.authorization.k8s.io\/streamspace-k8s-agent configured/),
];

/** With a session of the agent that is running, under the guide's own Role and quota. */
export const SESSIONS: readonly Line[] = [
  shows('kubectl get pods -n streamspace -l app=session', /^\S+ +1\/1 +Running/m),
  shows('kubectl get events -n streamspace --sort-by=.metadata.creationTimestamp | tail -20', /pod\//),
  shows('kubectl logs -n streamspace <session-pod>', /^/),
  follows('kubectl port-forward -n streamspace <session-pod> 5900:5900', /Forwarding from .* -> 5900/),
  shows('kubectl delete pods -n streamspace -l agent=k8s-prod-us-east-1', /deleted/),
];

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
  shows('kubectl scale deployment/streamspace-k8s-agent --replicas=0 -n streamspace', /scaled/),
];

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
