import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { COUNTER } from '../../../ci/ha/counter.ts';

/** A session image for engines of tests: this Node with a screen that counts. */
export const COUNTER_IMAGE = 'streamspace-test/counter:latest';
/** Width and height of that screen. */
const SIDE = 128;
const USER = 1000;

/** Gives the engine on that socket the image, of this machine's programs alone: nothing has to be built or pulled. `tools`: further programs. */
export function importCounter(socket: string, tools: readonly string[] = []): void {
  const folder = mkdtempSync(join(tmpdir(), 'counter-image-'));
  const root = join(folder, 'root');
  try {
    const node = realpathSync(process.execPath);
    const found = tools.map((name) => execFileSync('which', [name], { encoding: 'utf8' }).trim());
    for (const program of [node, ...found]) {
      const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+(?= \(0x)/g) ?? [];
      for (const path of [program, ...libraries]) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        copyFileSync(path, join(root, path));
      }
    }
    mkdirSync(join(root, 'home/user'), { recursive: true });
    chownSync(join(root, 'home/user'), USER, USER);
    mkdirSync(join(root, 'tmp'));
    writeFileSync(join(root, 'counter.cjs'), COUNTER.replace('SIDE = 32', `SIDE = ${SIDE}`));
    const entry = `ENTRYPOINT ${JSON.stringify([node, '/counter.cjs'])}`;
    const script = `tar -C ${root} -c . | docker -H unix://${socket} import --change '${entry}' --change 'ENV PATH=/usr/bin:/bin' - ${COUNTER_IMAGE}`;
    const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
