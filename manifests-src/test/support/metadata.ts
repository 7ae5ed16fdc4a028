import { readFileSync } from 'node:fs';
import type { Cluster } from './cluster.ts';

/** Addresses (IPv4) of clouds' metadata that docs/security.md says sessions are kept from; of a network, the one that is in use. */
export const METADATA: readonly string[] = documented();

function documented(): string[] {
  const text = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8');
  const [, list] = /^\| a session in a cluster .*cloud metadata \(([^)]+)\)/m.exec(text) ?? [];
  if (list === undefined) throw new Error('docs/security.md does not say which addresses sessions are kept from');
  return list
    .split(', ')
    .filter((each) => !each.includes(':'))
    .map((each) => (each === '169.254.0.0/16' ? '169.254.169.254' : each));
}

/** Lets the pod of that address answer at another one, too, for everybody in the cluster; gone with the pod. */
export async function answerAt(cluster: Cluster, address: string, podIp: string): Promise<void> {
  const script = `set -e
for ns in $(ip netns list | cut -d' ' -f1); do
  if ip -n $ns -4 -o addr | grep -qF ' ${podIp}/'; then ip -n $ns addr replace ${address}/32 dev lo; found=1; fi
done
[ "$found" = 1 ]
dev=$(ip -o route get ${podIp} | sed 's/.* dev \\([^ ]*\\).*/\\1/')
ip route replace ${address}/32 via ${podIp} dev $dev onlink`;
  await cluster.exec(['docker', 'exec', `${cluster.name}-control-plane`, 'sh', '-c', script]);
}
