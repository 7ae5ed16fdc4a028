/** The manifests of the agent's guide, as they stand there. */
const file = (name: string, text: string): string => `cat > ${name} <<'EOF'\n${text}EOF\n`;

/** rbac.yaml: the agent's account and its rights. */
export const RBAC = file(
  'rbac.yaml',
  `---
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
`,
);

/** A quota of the namespace of sessions. */
export const QUOTA = file(
  'quota.yaml',
  `apiVersion: v1
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
`,
);

/** The namespace, with its Pod Security levels. */
export const NAMESPACE = file(
  'namespace.yaml',
  `apiVersion: v1
kind: Namespace
metadata:
  name: streamspace
  labels:
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/warn: restricted
`,
);

/** Its policy of the network, which has the name of the chart’s. */
export const NETWORK_POLICY = file(
  'networkpolicy.yaml',
  `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: streamspace-k8s-agent
  namespace: streamspace
spec:
  podSelector:
    matchLabels:
      component: k8s-agent
  policyTypes:
  - Ingress
  - Egress
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: streamspace
    ports:
    - protocol: TCP
      port: 8080  # Health checks
  egress:
  - to:
    - namespaceSelector: {}  # Allow to API server
  - to:  # Allow to Control Plane
    ports:
    - protocol: TCP
      port: 443
`,
);

/** What the guide has a reader put into it, where the token is in a Secret. */
const TOKEN_ENV = `        - name: AGENT_TOKEN
          valueFrom:
            secretKeyRef:
              name: streamspace-k8s-agent-token
              key: token
`;

/** deployment.yaml: an agent without a chart. */
export const DEPLOYMENT = file(
  'deployment.yaml',
  `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: streamspace-k8s-agent
  namespace: streamspace
  labels:
    app: streamspace
    component: k8s-agent
spec:
  replicas: 1
  selector:
    matchLabels:
      app: streamspace
      component: k8s-agent
  template:
    metadata:
      labels:
        app: streamspace
        component: k8s-agent
    spec:
      serviceAccountName: streamspace-k8s-agent
      containers:
      - name: agent
        image: streamspace/k8s-agent:v2.0
        env:
        # REQUIRED
        - name: AGENT_ID
          value: "k8s-prod-us-east-1"
        - name: CONTROL_PLANE_URL
          value: "wss://streamspace.example.com"
${TOKEN_ENV}
        # Platform configuration
        - name: PLATFORM
          value: "kubernetes"
        - name: REGION
          value: "us-east-1"
        - name: NAMESPACE
          value: "streamspace"

        # Agent behavior
        - name: HEARTBEAT_INTERVAL
          value: "30s"
        - name: RECONNECT_DELAY
          value: "5s"
        - name: MAX_RECONNECT_DELAY
          value: "5m"

        # VNC configuration
        - name: VNC_PORT
          value: "5900"
        - name: VNC_TUNNEL_TIMEOUT
          value: "1h"

        # Logging
        - name: LOG_LEVEL
          value: "info"

        resources:
          requests:
            cpu: 500m
            memory: 512Mi
          limits:
            cpu: 1000m
            memory: 1Gi

        # Health probes
        livenessProbe:
          httpGet:
            path: /health
            port: 8080
          initialDelaySeconds: 30
          periodSeconds: 30
          timeoutSeconds: 5
          failureThreshold: 3

        readinessProbe:
          httpGet:
            path: /ready
            port: 8080
          initialDelaySeconds: 10
          periodSeconds: 10
          timeoutSeconds: 5
          failureThreshold: 3
`,
);
