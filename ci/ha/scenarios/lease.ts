import type { Scenario } from '../scenario.ts';

const required = [
  { figure: 'election', ms: 5_000 },
  { figure: 'failover', ms: 5_000 },
  { figure: 'silence', ms: 5_000 },
] as const;
const goals = [
  { figure: 'election', ms: 500 },
  { figure: 'failover', ms: 500 },
] as const;

/** H3: the Lease is deleted. */
export const leaseDeleted: Scenario = {
  id: 'H3a',
  title: 'Lease deleted',
  required,
  goals,
  async inject(stage) {
    stage.fault('delete the Lease');
    await stage.cluster.deleteLock();
    await stage.served();
  },
};

/** H3: the Lease is deleted whenever it exists, for half a minute. */
export const leaseDeletedAgain: Scenario = {
  id: 'H3b',
  title: 'Lease deleted again and again for 30 s',
  required,
  goals: [],
  async inject(stage) {
    stage.fault('delete the Lease, again and again');
    const end = performance.now() + 30_000;
    while (performance.now() < end) {
      await stage.cluster.deleteLock();
      await stage.pause(500);
    }
    stage.mended('nobody deletes it any more');
  },
};
