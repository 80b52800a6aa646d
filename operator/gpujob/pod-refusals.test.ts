import { describe, expect, it } from 'vitest';
import { isRefusal } from './pod-refusals.ts';

// Texts of the Job controller of Kubernetes 1.36.3, as its events had them.
describe('the Job controller could not make a Pod', () => {
  it.each([
    'Error creating: pods "train-1-x7x2p" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=2, limited: requests.nvidia.com/gpu=2',
    'Error creating: pods "train-1-x7x2p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
    'Error creating: pods "train-1-x7x2p" is forbidden: error looking up service account demo/nobody: serviceaccount "nobody" not found',
    'Error creating: Pod "train-1-x7x2p" is invalid: spec.containers[0].image: Invalid value: " x": must not have leading or trailing whitespace',
    'Error creating: admission webhook "policy.example.com" denied the request: no GPUs on Sundays',
    'Error creating: Internal error occurred: failed calling webhook "policy.example.com": failed to call webhook: Post "https://policy.example.svc:443/?timeout=10s": connection refused',
  ])('and the Pods are why: %s', (words) => {
    expect(isRefusal(words)).toBe(true);
  });

  it.each([
    'Error creating: Post "https://127.0.0.1:24357/api/v1/namespaces/demo/pods": unexpected EOF',
    'Error creating: Post "https://127.0.0.1:24357/api/v1/namespaces/demo/pods": dial tcp 127.0.0.1:24357: connect: connection refused',
    'Error creating: pods is forbidden: User "system:serviceaccount:kube-system:job-controller" cannot create resource "pods" in API group "" in the namespace "demo": RBAC: [clusterrole.rbac.authorization.k8s.io "system:basic-user" not found]',
  ])('and its own request is why: %s', (words) => {
    expect(isRefusal(words)).toBe(false);
  });
});
