import type { TestProject } from 'vitest/node';
import { buildConsole, buildPrograms } from '../scripts/build.mjs';

/** Suites with real processes run the same files as a user: the bundles, and the built page. */
export default async function setup(project: TestProject): Promise<void> {
  await buildPrograms();
  if (project.name === 'e2e') await buildConsole();
}
