import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildPrograms } from '../../scripts/build.mjs';
import { chaos } from '../chaos/run.ts';
import { ABOUT_SERVER, SERVER } from '../support/redis-server.ts';

describe.skipIf(SERVER === undefined)(`chaos${ABOUT_SERVER}`, () => {
  it('[I4] [CMD4] two minutes of kill -9, SIGSTOP and failovers anywhere: every accepted command ends, every effect happens once', async () => {
    await buildPrograms({ agent: 'test/chaos/agent.ts' }, 'dist/chaos');
    const said: string[] = [];
    const result = await chaos({ minutes: 2, seed: Date.now() % 1_000_000, hubs: 3, agents: 5, replicas: 3 }, (text) =>
      said.push(text),
    );
    expect(result.wrong, said.join('\n')).toEqual([]);
    expect(result.completed, said.join('\n')).toBeGreaterThan(0);
    expect(result.faults).toBeGreaterThan(10);
    expect(result.promotions).toBeGreaterThan(0);
    rmSync(result.folder, { recursive: true });
  }, 420_000);
});
