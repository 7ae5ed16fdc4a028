import { parseArgs } from 'node:util';
import { systemClock } from 'clock-port';
import { makeCluster } from './cluster.ts';
import { CommandError, whyNoKind } from './host.ts';
import { buildDesktop, buildPrograms, DESKTOP, fetched, PROGRAMS, STORE } from './images.ts';
import { agentConnected, install, NAMESPACE, userToken } from './install.ts';

const USAGE = `npm run kind:up -- [--name NAME] [--values FILE] [--no-desktop]

Builds the images, makes a kind cluster (ci/kind.yaml) unless it is there, loads the images and installs ./chart.
  --name NAME     of the cluster (streamspace)
  --values FILE   in test-values/, without .yaml (ha)
  --no-desktop    leave the desktop's image out: it takes minutes to build, and sessions of the built-in templates need it
KIND_NODE_IMAGE   another image of the nodes than kind's own`;

const say = (text: string) => process.stdout.write(`${text}\n`);

async function up(name: string, values: string, desktop: boolean): Promise<void> {
  const missing = await whyNoKind();
  if (missing !== undefined) throw new CommandError(missing);
  say(`Images of the programs${desktop ? ' and the desktop' : ''} …`);
  await buildPrograms(['api', 'agent']);
  if (desktop) await buildDesktop();
  await fetched(STORE);
  say(`Cluster ${name} …`);
  const cluster = await makeCluster(name);
  say('Images into its nodes …');
  await cluster.load([PROGRAMS.api, PROGRAMS.agent, STORE, ...(desktop ? [DESKTOP] : [])]);
  say(`Chart with test-values/${values}.yaml …`);
  const since = systemClock.monotonic();
  await install(cluster, values);
  const token = await userToken(values);
  await agentConnected(cluster.hub, token);
  const took = ((systemClock.monotonic() - since) / 1000).toFixed(1);
  say(`
Installed and an agent connected within ${took} s.

The page:   ${cluster.hub}/#token=${token}
kubectl:    export KUBECONFIG=${cluster.kubeconfig}
            kubectl -n ${NAMESPACE} get pods,lease
Leader:     kubectl -n ${NAMESPACE} get lease k8s-agent-leader-election
Scenarios:  npm run test:kind
Away with it: npm run kind:down`);
}

const { values: given } = parseArgs({
  options: {
    name: { type: 'string', default: 'streamspace' },
    values: { type: 'string', default: 'ha' },
    'no-desktop': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (given.help) say(USAGE);
else {
  try {
    await up(given.name, given.values, !given['no-desktop']);
  } catch (error) {
    process.stderr.write(
      `${error instanceof CommandError ? error.message : ((error as Error).stack ?? String(error))}\n`,
    );
    process.exitCode = 1;
  }
}
