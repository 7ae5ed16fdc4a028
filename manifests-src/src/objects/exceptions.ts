/** A rule of a linter that our objects break on purpose. */
export interface Exception {
  readonly tool: 'kube-score' | 'checkov';
  readonly rule: string;
  readonly why: string;
}

/** All of them. A test runs the linters with these, and fails on any other finding, and for an exception that is no longer needed. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    tool: 'kube-score',
    rule: 'container-image-pull-policy',
    why: 'tags of releases are never moved, and a digest can be given: pulling again would only make a start depend on the registry',
  },
  {
    tool: 'kube-score',
    rule: 'networkpolicy-targets-pod',
    why: 'the policy of sessions selects pods that the agent makes at run time',
  },
  {
    tool: 'checkov',
    rule: 'CKV_K8S_15',
    why: 'as kube-score’s container-image-pull-policy',
  },
  {
    tool: 'checkov',
    rule: 'CKV_K8S_43',
    why: 'values give digests (test-values/restricted.yaml); a default can’t name the digest of an image that is built after the chart',
  },
  {
    tool: 'checkov',
    rule: 'CKV_K8S_35',
    why: 'the hub and Valkey read these from their environment only; the agent, which reads files, gets files',
  },
];
