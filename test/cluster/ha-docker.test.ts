import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineMissing } from '../../agent/test/integration/docker-place.ts';
import type { DockerCluster } from '../../ci/ha/docker/cluster.ts';
import { dockerRig, type LockKind } from '../../ci/ha/docker/rig.ts';
import type { Rig } from '../../ci/ha/rig.ts';
import { playRound } from '../../ci/ha/round.ts';
import { dockerScenarios } from '../../ci/ha/scenarios/docker.ts';
import { buildPrograms, fetched, STORE } from '../../ci/kind/images.ts';
import { root } from '../../ci/kind/root.ts';

// A short form, one round of a few scenarios; HA_DOCKER=all plays one round of each, and `npm run bench:ha -- --platform docker` many.
const SHORT: Readonly<Record<LockKind, readonly string[]>> = { file: ['H2b'], redis: ['H4c', 'H4f'] };
const missing =
  engineMissing() ?? (process.env['DOCKER_HOST'] === undefined ? undefined : 'needs the engine of this machine');
const folder = join(root, 'test-results/ha/docker');

describe.skipIf(missing !== undefined)(
  `high availability on Docker${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    beforeAll(async () => {
      await buildPrograms(['api', 'agent']);
      await fetched(STORE);
    });

    describe.each(['file', 'redis'] as const)('with the %s lock', (lock) => {
      const chosen = dockerScenarios(lock).filter(
        ({ id }) => process.env['HA_DOCKER'] === 'all' || SHORT[lock].some((each) => id.startsWith(each)),
      );
      let rig: Rig<DockerCluster>;
      beforeAll(async () => {
        rig = await dockerRig(lock);
      });
      afterAll(() => rig?.close());

      it.each(chosen.map((scenario) => [scenario.id, scenario.title, scenario] as const))(
        '%s: %s',
        async (...[id, , scenario]) => {
          const result = await playRound(rig, scenario, 1, join(folder, id.replace(' ', '-')));
          expect(result.wrong, `its history, logs and timeline are in ${result.folder}`).toEqual([]);
        },
      );
    });
  },
);
