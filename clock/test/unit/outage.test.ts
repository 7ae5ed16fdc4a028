import { VirtualClock } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import { Outage } from '../../src/index.ts';

function scene() {
  const clock = new VirtualClock();
  const lines: { level: string; fields: object; message: string }[] = [];
  const log = {
    info: (fields: object, message: string) => void lines.push({ level: 'info', fields, message }),
    warn: (fields: object, message: string) => void lines.push({ level: 'warn', fields, message }),
  };
  return { clock, lines, outage: new Outage(clock, log, 'Not connected') };
}

describe('K9 an outage in the log', () => {
  it('has a line when it begins, one a minute, and one when it ends', async () => {
    const { clock, lines, outage } = scene();
    outage.over();
    for (let second = 0; second <= 600; second++) {
      outage.failed({ second });
      await clock.advance(1_000);
    }
    outage.over();
    outage.over();
    expect(lines).toEqual([
      { level: 'warn', fields: { second: 0 }, message: 'Not connected' },
      ...Array.from({ length: 10 }, (_, minute) => ({
        level: 'warn',
        fields: { second: 60 * (minute + 1), failures: 60 * (minute + 1) + 1, outage_ms: 60_000 * (minute + 1) },
        message: 'Not connected',
      })),
      {
        level: 'info',
        fields: { failures: 601, outage_ms: 600_000, outage: 'Not connected' },
        message: 'An outage is over',
      },
    ]);
    outage.failed({ second: 'another' });
    expect(lines).toHaveLength(13);
  });

  it('ends by itself where nothing failed for a while, and leaves no timer', async () => {
    const { clock, lines, outage } = scene();
    outage.failed({});
    await clock.advance(80_000);
    outage.failed({});
    await clock.advance(89_000);
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'warn']);
    await clock.advance(1_000);
    expect(lines.at(-1)).toMatchObject({ level: 'info', fields: { failures: 2, outage_ms: 80_000 } });
    await clock.advance(600_000);
    expect(lines).toHaveLength(3);
  });
});
