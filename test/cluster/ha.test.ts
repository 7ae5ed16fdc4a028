import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isThere, makeCluster, removeCluster } from '../../ci/kind/cluster.ts';
import { whyNoKind } from '../../ci/kind/host.ts';
import { buildPrograms, fetched, PROGRAMS, STORE } from '../../ci/kind/images.ts';
import { root } from '../../ci/kind/root.ts';
import { emptyResults, type Results, save } from '../../ci/ha/results.ts';
import type { HaCluster } from '../../ci/ha/kubernetes/cluster.ts';
import { kindRig } from '../../ci/ha/kubernetes/rig.ts';
import type { Rig } from '../../ci/ha/rig.ts';
import { playRound } from '../../ci/ha/round.ts';
import { SCENARIOS } from '../../ci/ha/scenarios/index.ts';

// One round of each scenario. HA_ONLY=H2a,H3 chooses, HA_CLUSTER names another cluster; KEEP_CLUSTER=1 leaves the cluster that was made for it.
const NAME = process.env['HA_CLUSTER'] ?? 'streamspace';
const why = await whyNoKind();
const only = (process.env['HA_ONLY'] ?? '').split(',').filter((id) => id !== '');
const chosen = SCENARIOS.filter(({ id }) => only.length === 0 || only.some((each) => id.startsWith(each)));
const folder = join(root, 'test-results/ha/kind');

describe.skipIf(why !== undefined)(`high availability on kind${why === undefined ? '' : ` (${why})`}`, () => {
  let rig: Rig<HaCluster>;
  let results: Results;
  let made = false;
  let round = 0;

  beforeAll(async () => {
    await buildPrograms(['api', 'agent']);
    await fetched(STORE);
    made = !(await isThere(NAME));
    const kind = await makeCluster(NAME);
    await kind.load([PROGRAMS.api, PROGRAMS.agent, STORE]);
    // from a new one the first scenario upgrades, if it is played
    rig = await kindRig(kind, folder, made && chosen[0]?.id === 'H5d' ? 'one' : 'ha');
    results = await emptyResults('npm run test:kind', chosen, await rig.cluster.version());
  });

  afterAll(async () => {
    await rig?.close();
    if (made && process.env['KEEP_CLUSTER'] !== '1') await removeCluster(NAME);
  });

  it.each(chosen.map((scenario) => [scenario.id, scenario.title, scenario] as const))(
    '%s: %s',
    async (...[, , scenario]) => {
      round += 1;
      const result = await playRound(rig, scenario, round, join(folder, `${scenario.id}-${round}`));
      results.results.push(result);
      await save(results, folder);
      expect(result.wrong, `its history, logs and timeline are in ${result.folder}`).toEqual([]);
    },
  );
});
