import { setMaxListeners } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindCluster } from '../../kind/cluster.ts';
import { install, userToken } from '../../kind/install.ts';
import { Hub } from '../hub.ts';
import { Rig } from '../rig.ts';
import { HaCluster } from './cluster.ts';
import { KubeEyes } from './eyes.ts';
import { Kube } from './kube.ts';
import { writeValues } from './values.ts';

/** The agent id of test-values/ha.yaml. */
const AGENT = 'ha';
/** test-values/ha.yaml with one replica of each, and no election. */
const ONE = ['k8sAgent.replicaCount=1', 'k8sAgent.ha.enabled=false', 'api.replicaCount=1'];

/** Installs the chart with the scenarios' values, in that shape, and opens the session. `folder`: for the results. The chart stays. */
export async function kindRig(kind: KindCluster, folder: string, shape: 'ha' | 'one'): Promise<Rig<HaCluster>> {
  await mkdir(folder, { recursive: true });
  const values = join(folder, 'values.json');
  await writeValues(values);
  const installShape = (wanted: 'ha' | 'one') =>
    install(kind, 'ha', ['-f', values, ...(wanted === 'one' ? ONE.flatMap((set) => ['--set', set]) : [])]);
  await installShape(shape);
  const kube = await Kube.start(kind.kubeconfig);
  const stop = new AbortController();
  // one listener for every watch and every followed log
  setMaxListeners(0, stop.signal);
  stop.signal.addEventListener('abort', () => kube.stop(), { once: true });
  const hub = new Hub(kind.hub, await userToken('ha'), AGENT);
  const cluster = new HaCluster(kind, kube, installShape);
  return Rig.open({ cluster, hub, eyes: new KubeEyes(kube), stop });
}
