import { defineConfig } from 'vitest/config';

// Workspace packages are tested from their sources, so that a test run needs no build of them.
const source = {
  resolve: { conditions: ['source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'default'] } },
};

const suite = (name: string, folder: string, options: object = {}) => ({
  ...source,
  test: {
    name,
    include: [
      `{clock,protocol,settings,kube,elector,desktop,agent,api,testkit,manifests-src,console}/test/${folder}/**/*.test.ts`,
      `test/${folder}/**/*.test.ts`,
    ],
    ...options,
  },
});

// Once more in CI, until ten busy runs (npm run test:busy) have passed without: the reporter names what it ran twice. Never by hand.
const retry = process.env['CI'] ? 1 : 0;

export default defineConfig({
  test: {
    // two cores: more workers than that only fight each other
    maxWorkers: 2,
    projects: [
      suite('unit', 'unit', { testTimeout: 30_000 }),
      suite('contract', 'contract', { testTimeout: 60_000, hookTimeout: 60_000 }),
      suite('simulation', 'simulation', { testTimeout: 900_000 }),
      suite('integration', 'integration', {
        retry,
        testTimeout: 60_000,
        hookTimeout: 60_000,
        globalSetup: ['./test/build.ts'],
      }),
      suite('e2e', 'e2e', {
        retry,
        testTimeout: 120_000,
        hookTimeout: 120_000,
        fileParallelism: false,
        globalSetup: ['./test/build.ts'],
      }),
      // on kind, where there is Docker: one cluster, one file after the other
      suite('cluster', 'cluster', {
        retry,
        testTimeout: 600_000,
        hookTimeout: 900_000,
        fileParallelism: false,
      }),
    ],
  },
});
