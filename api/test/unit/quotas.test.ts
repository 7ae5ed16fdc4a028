import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quotaRefusal } from '../../src/quotas/count.ts';
import { readQuotas } from '../../src/quotas/file.ts';
import { quotasOf } from '../../src/quotas/quotas.ts';

const GIB = 1024 ** 3;
const USE = { sessions: 2, running: 1, cpu: 1, memory: GIB, storage: 2 * GIB };
const MORE = { sessions: 1, running: 1, cpu: 4, memory: 4 * GIB, storage: 4 * GIB };

describe('[QUO1] whose limits count', () => {
  const quotas = quotasOf([
    { sessions: 10, running: 2, cpu: 4 },
    { group: 'staff', running: 5 },
    { group: 'ops', running: 8, cpu: 2 },
    { user: 'alice', running: 1 },
  ]);

  it("each limit is the user's own, else the most generous of the groups, else everybody's", () => {
    expect(quotas.limitsOf({ user: 'bob', groups: [] })).toEqual({ sessions: 10, running: 2, cpu: 4 });
    expect(quotas.limitsOf({ user: 'bob', groups: ['staff', 'ops', 'unknown'] })).toEqual({
      sessions: 10,
      running: 8,
      cpu: 2,
    });
    expect(quotas.limitsOf({ user: 'alice', groups: ['ops'] })).toEqual({ sessions: 10, running: 1, cpu: 2 });
  });

  it('nothing declared is no limit', () => {
    expect(quotasOf([]).limitsOf({ user: 'bob', groups: ['staff'] })).toEqual({});
    expect(quotasOf([{ user: 'alice', running: 0 }]).limitsOf({ user: '__proto__', groups: [] })).toEqual({});
  });
});

describe('[QUO3] the refusal', () => {
  it('of a session that is too large by itself does not send the user to delete others', () => {
    const said = (limits: object) => quotaRefusal(limits, USE, MORE)?.message;
    expect(said({ cpu: 2 })).toBe('the session needs 4 CPUs, and 2 are allowed in all: ask for less');
    expect(said({ memory: GIB })).toBe('the session needs 4 GiB of memory, and 1 GiB are allowed in all: ask for less');
    expect(said({ storage: GIB })).toBe(
      'the session needs 4 GiB of storage, and 1 GiB are allowed in all: ask for less',
    );
  });

  it('of a wake does not propose another size', () => {
    const wake = { ...MORE, sessions: 0, storage: 0 };
    expect(quotaRefusal({ cpu: 4.5 }, USE, wake)?.message).toBe(
      '1 of 4.5 CPUs are in use, and the session needs 4: hibernate or delete one',
    );
    expect(quotaRefusal({ sessions: 1, storage: 1, cpu: 5 }, USE, wake)).toBeUndefined();
  });
});

describe('QUOTAS_FILE', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quotas-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const read = async (text: string) => {
    const path = join(folder, 'quotas.json');
    await writeFile(path, text);
    return readQuotas(path).catch((error: Error) => error.message.replaceAll(path, 'FILE'));
  };

  it('is a list of entries', async () => {
    const entries = [{ sessions: 3 }, { group: 'ops', cpu: 0.5 }, { user: 'alice', memory: GIB, storage: 0 }];
    expect(await read(JSON.stringify(entries))).toEqual(entries);
  });

  it.each([
    ['{', /QUOTAS_FILE FILE: can't be read as JSON \(/],
    ['{}', /the file must be array/],
    ['[{"running": -1}]', /\/0\/running must be >= 0/],
    ['[{"running": "3"}]', /\/0\/running must be integer/],
    ['[{"runing": 3}]', /\/0 must not have additional properties/],
    ['[{"user": "", "cpu": 1}]', /\/0\/user must not have fewer than 1 characters/],
    ['[{"user": "a", "group": "b"}]', /\/0 is for a user and for a group: make it two entries/],
    ['[{"cpu": 1}, {"running": 1}]', /\/1 is for everybody, as \/0 is: make it one entry/],
    ['[{"user": "a"}, {"user": "a", "cpu": 1}]', /\/1 is for user "a", as \/0 is: make it one entry/],
  ])('%s is refused with the field', async (text, message) => {
    expect(await read(text)).toMatch(message);
  });

  it('that is not there is said', async () => {
    await expect(readQuotas(join(folder, 'none'))).rejects.toThrow(
      /QUOTAS_FILE .*none: can't be read as JSON \(ENOENT/,
    );
  });
});
