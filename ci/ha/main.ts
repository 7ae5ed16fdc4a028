// npm run bench:ha [-- --platform docker] [-- --rounds 20] [-- --only H2a,H3a]: rounds of the HA scenarios, on the cluster of `npm run kind:up`, or on
// this machine's Docker engine with each of the locks (`--lock file` or `redis` chooses one).
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isThere, makeCluster } from '../kind/cluster.ts';
import { whyNoKind } from '../kind/host.ts';
import { buildPrograms, fetched, STORE } from '../kind/images.ts';
import { root } from '../kind/root.ts';
import { DockerEngine } from './docker/engine.ts';
import { dockerRig, type LockKind } from './docker/rig.ts';
import { kindRig } from './kubernetes/rig.ts';
import type { Platform } from './platform.ts';
import { emptyResults, type Results, save } from './results.ts';
import type { Rig } from './rig.ts';
import { playRound } from './round.ts';
import type { Scenario } from './scenario.ts';
import { dockerScenarios } from './scenarios/docker.ts';
import { SCENARIOS } from './scenarios/index.ts';

const { values: given } = parseArgs({
  options: {
    platform: { type: 'string', default: 'kind' },
    lock: { type: 'string', default: 'file,redis' },
    rounds: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    name: { type: 'string', default: 'streamspace' },
    out: { type: 'string', default: 'test-results/ha/bench' },
  },
});
const say = (text: string) => void process.stderr.write(`${text}\n`);
const only = given.only.split(',').filter((id) => id !== '');
const command = `npm run bench:ha -- ${process.argv.slice(2).join(' ')}`.trim();
const folder = join(root, given.out);
const results: Results[] = [];

// an unhealed fault would stay in the cluster
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopping = true;
    say('Ends after this round; once more: at once, and the cluster may be left with a paused node or a cut network');
  });
}

function chosen<P extends Platform>(scenarios: readonly Scenario<P>[]): Scenario<P>[] {
  const some = scenarios.filter(({ id }) => only.length === 0 || only.some((each) => id.startsWith(each)));
  if (some.length === 0) throw new Error(`--only ${given.only}: there are ${scenarios.map(({ id }) => id).join(', ')}`);
  return some;
}

/** Plays all rounds, saves after each, and closes the rig. */
async function play<P extends Platform>(rig: Rig<P>, scenarios: Scenario<P>[], into: Results, to: string) {
  results.push(into);
  try {
    for (let round = 1; round <= Number(given.rounds) && !stopping; round++) {
      for (const scenario of scenarios) {
        if (stopping) break;
        const result = await playRound(rig, scenario, round, join(to, `${scenario.id.replace(' ', '-')}-${round}`));
        into.results.push(result);
        await save(into, to);
        const { failover, silence, viewer, election } = result.figures;
        const ms = (value: number | undefined) => (value === undefined ? '–' : `${Math.round(value)} ms`);
        say(
          `${scenario.id} ${round}: ${result.wrong.length === 0 ? 'as it should be' : 'WRONG'}; elected ${ms(election)}, failover ${ms(failover)}, longest gap ${ms(silence)}, viewer ${ms(viewer)}, took ${Math.round(result.took / 1_000)} s`,
        );
        for (const each of result.wrong) say(`  ${each}`);
      }
    }
  } finally {
    await rig.close();
  }
}

async function onKind(): Promise<void> {
  const scenarios = chosen(SCENARIOS);
  const missing = await whyNoKind();
  if (missing !== undefined || !(await isThere(given.name))) {
    say(
      missing ??
        `There is no kind cluster ${given.name}: npm run kind:up -- --name ${given.name} makes it, with the images of this checkout`,
    );
    process.exit(1);
  }
  const rig = await kindRig(await makeCluster(given.name), folder, 'ha');
  await play(rig, scenarios, await emptyResults(command, scenarios, await rig.cluster.version()), folder);
}

async function onDocker(lock: LockKind): Promise<void> {
  const scenarios = chosen(dockerScenarios(lock));
  const engine = new DockerEngine();
  const { ServerVersion } = await engine.get<{ ServerVersion: string }>('/info');
  await buildPrograms(['api', 'agent']);
  await fetched(STORE);
  const into = await emptyResults(command, scenarios, { where: `Docker ${ServerVersion}` });
  await play(await dockerRig(lock, engine), scenarios, into, join(folder, lock));
}

const locks = given.lock.split(',');
if (given.platform === 'kind') await onKind();
else if (given.platform === 'docker' && locks.every((lock) => lock === 'file' || lock === 'redis'))
  for (const lock of locks) await onDocker(lock);
else throw new Error('--platform takes kind or docker; --lock takes file, redis or both with a comma between');
if (results.some(({ results: rounds }) => rounds.some(({ wrong }) => wrong.length > 0))) process.exitCode = 1;
