// npm run bench:ha [-- --rounds 20] [-- --only H2a,H3a]: rounds of the HA scenarios on the cluster of `npm run kind:up`.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isThere, makeCluster } from '../kind/cluster.ts';
import { whyNoKind } from '../kind/host.ts';
import { root } from '../kind/root.ts';
import { emptyResults, save } from './results.ts';
import { playRound } from './round.ts';
import { Rig } from './rig.ts';
import { SCENARIOS } from './scenarios/index.ts';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    name: { type: 'string', default: 'streamspace' },
    out: { type: 'string', default: 'test-results/ha/bench' },
  },
});
const say = (text: string) => void process.stderr.write(`${text}\n`);
const only = given.only.split(',').filter((id) => id !== '');
const chosen = SCENARIOS.filter(({ id }) => only.length === 0 || only.some((each) => id.startsWith(each)));
if (chosen.length === 0) throw new Error(`--only ${given.only}: there are ${SCENARIOS.map(({ id }) => id).join(', ')}`);
const missing = await whyNoKind();
if (missing !== undefined || !(await isThere(given.name))) {
  say(
    missing ??
      `There is no kind cluster ${given.name}: npm run kind:up -- --name ${given.name} makes it, with the images of this checkout`,
  );
  process.exit(1);
}
const folder = join(root, given.out);
const rig = await Rig.set(await makeCluster(given.name), folder, 'ha');
const results = await emptyResults(
  `npm run bench:ha -- ${process.argv.slice(2).join(' ')}`.trim(),
  chosen,
  rig.cluster,
);
// an unhealed fault would stay in the cluster
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopping = true;
    say('Ends after this round; once more: at once, and the cluster may be left with a paused node or a cut network');
  });
}
try {
  for (let round = 1; round <= Number(given.rounds) && !stopping; round++) {
    for (const scenario of chosen) {
      if (stopping) break;
      const result = await playRound(rig, scenario, round, join(folder, `${scenario.id}-${round}`));
      results.results.push(result);
      await save(results, folder);
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
if (results.results.some(({ wrong }) => wrong.length > 0)) process.exitCode = 1;
