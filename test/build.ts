import { buildPrograms } from '../scripts/build.mjs';

/** Suites that start real processes run what a user runs: the bundles. */
export default async function setup(): Promise<void> {
  await buildPrograms();
}
