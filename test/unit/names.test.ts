import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exportedNames, nameCollisions } from '../../scripts/names.ts';

describe('exported names', () => {
  let root: string;
  beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'names-'))));
  afterEach(() => rmSync(root, { recursive: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };

  it('are those that a file declares, not those that it passes on', () => {
    const text = `import { x } from './x.ts';
export const a = 1;
export async function b() {}
export abstract class C {}
export type D = 1;
export interface E {}
const f = 1, g = 2;
export { f, g as h, type I };
export { y } from './y.ts';
export * from './z.ts';
const inner = 'export const no = 1';
`;
    expect([...exportedNames(text)]).toEqual(['a', 'b', 'C', 'D', 'E', 'f', 'h', 'I']);
  });

  it('lists a name that two files export, but a value and its type in one, and a re-export', async () => {
    write('one/src/a.ts', 'export const Thing = 1;\nexport type Thing = 1;\nexport const lone = 1;\n');
    write('one/src/index.ts', "export { Thing, lone } from './a.ts';\n");
    write('two/src/deep/b.tsx', 'export function Thing() {}\n');
    write('two/test/c.ts', 'export const lone = 1;\n');
    expect(await nameCollisions(root, {})).toEqual(['Thing: one/src/a.ts, two/src/deep/b.tsx']);
    expect(await nameCollisions(root, { Thing: 'why' })).toEqual([]);
  });

  it('lists a reason that nothing needs any more', async () => {
    write('one/src/a.ts', 'export const lone = 1;\n');
    expect(await nameCollisions(root, { lone: 'why' })).toEqual([
      'lone: one file exports it; take it off SHARED_NAMES',
    ]);
  });

  it('of the packages mean one thing each', async () => {
    expect(await nameCollisions(fileURLToPath(new URL('../..', import.meta.url)))).toEqual([]);
  });
});
