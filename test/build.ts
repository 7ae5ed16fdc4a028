import type { TestProject } from 'vitest/node';
import { buildConsole, buildPrograms } from '../scripts/build.mjs';

/** Suites that start real processes run what a user runs: the bundles, and for the page what a browser gets. */
export default async function setup(project: TestProject): Promise<void> {
  await buildPrograms();
  if (project.name === 'e2e') await buildConsole();
}
