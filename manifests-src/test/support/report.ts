import { type Line, shows } from './line.ts';

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
  // the report's last one: after a scale to another number Helm 4 wants to be told that it may overwrite it
  shows(
    `helm upgrade streamspace ./chart \\
     --set k8sAgent.replicaCount=3 \\
     --set k8sAgent.ha.enabled=true`,
    /STATUS: deployed/,
  ),
  shows('kubectl scale deployment streamspace-k8s-agent -n streamspace --replicas=1', /scaled/),
  shows('kubectl get pods -n streamspace -l app.kubernetes.io/component=k8s-agent', /^streamspace-k8s-agent-\w+-\w+ /m),
];
