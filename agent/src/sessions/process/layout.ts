import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SESSION_ID } from '../core/session-id.ts';

/** Longest path of a Unix socket that every system takes (macOS: 104 bytes with the final zero). */
const SOCKET_PATH = 103;

/** The paths of all files; the same for every replica with the same folders. */
export interface Layout {
  /** Records and logs of one session. */
  session(id: string): string;
  /** Ids of all sessions with a folder. */
  ids(): Promise<string[]>;
  readonly homes: string;
  /** Home of all sessions of one user from one template. */
  home(user: string, template: string): string;
  /** Sockets of one start of a session. No two starts share them, so no stale socket is ever bound again. */
  run(id: string, instance: number): RunPaths;
}

export interface RunPaths {
  readonly folder: string;
  readonly control: string;
  readonly screen: string;
}

/** The sockets are in `tmpDir` when `stateDir` is too long a path for them. */
export function layout(stateDir: string, tmpDir: string): Layout {
  const paths = (folder: string) => ({ folder, control: join(folder, 'control'), screen: join(folder, 'screen') });
  return {
    ids: async () =>
      (await readdir(join(stateDir, 'sessions')).catch(() => [])).filter((name) => SESSION_ID.test(name)),
    homes: join(stateDir, 'homes'),
    session: (id) => join(stateDir, 'sessions', id),
    home: (user, template) => join(stateDir, 'homes', folderName(user), folderName(template)),
    run(id, instance) {
      const near = join(stateDir, 'run', id);
      // the same answer for every start, however many digits its number has
      if (Buffer.byteLength(near) + '.123456789/control'.length <= SOCKET_PATH) return paths(`${near}.${instance}`);
      return paths(join(tmpDir, `streamspace-${hash(stateDir, 16)}`, `${hash(id, 16)}.${instance}`));
    },
  };
}

/** Any text as the name of a folder: it can't leave its parent, does not collide (not even where case is ignored), and is not too long. */
export function folderName(text: string): string {
  const safe = text.replace(/[^a-z0-9_-]/gu, (char) => {
    const code = char.codePointAt(0)!;
    // a lone surrogate has no UTF-8
    if (code >= 0xd800 && code <= 0xdfff) return `%u${code.toString(16)}`;
    return [...Buffer.from(char)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  });
  if (safe.length <= 120 && safe !== '') return safe;
  return `${safe.slice(0, 80)}%%${hash(text, 32)}`;
}

function hash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
