import { constants } from 'node:fs';
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders of the machine with programs and their data; a session sees no other folders. */
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/etc',
  '/opt',
  '/nix/store',
  '/gnu/store',
  '/var/cache/fontconfig',
  '/var/lib/openbox',
];
/** The folder of configuration, and so of secrets: entries that are not world-readable are hidden. */
const CONFIGURATION = ['/etc', '/usr/local/etc', '/opt'];
/** Files of `/etc` that are often links to folders hidden from sessions. */
const LINKED = ['/etc/resolv.conf', '/etc/hosts', '/etc/localtime'];
/** Most entries checked one by one; further folders are hidden as a whole. */
const MAX_ENTRIES = 50_000;

const FILE_FOR_ALL = constants.S_IROTH;
const FOLDER_FOR_ALL = constants.S_IROTH | constants.S_IXOTH;

/** A session's read-only view of the machine. All paths are absolute. */
export interface SystemView {
  readonly folders: readonly string[];
  readonly files: readonly string[];
  /** Links, such as `/bin` → `usr/bin`. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Empty folders in the session's view, although they are below `folders`. */
  readonly hiddenFolders: readonly string[];
  readonly hiddenFiles: readonly string[];
}

/** Inspects the machine. `secret`: files and folders of the agent that a session must not see, at any path. */
export async function lookAtSystem(secret: readonly string[]): Promise<SystemView> {
  const folders: string[] = [];
  const links: { path: string; target: string }[] = [];
  for (const path of SYSTEM) {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isSymbolicLink()) links.push({ path, target: await readlink(path) });
    else if (found?.isDirectory()) folders.push(path);
  }
  const shown = (path: string) => folders.some((folder) => isWithin(path, folder));
  const files: string[] = [];
  for (const path of LINKED) {
    const target = await realpath(path).catch(() => undefined);
    if (target !== undefined && !shown(target) && !isWithin(target, '/proc')) files.push(target);
  }
  const hidden = { hiddenFolders: [] as string[], hiddenFiles: [] as string[] };
  const search = new Search(hidden.hiddenFolders, hidden.hiddenFiles);
  for (const folder of CONFIGURATION) if (shown(folder)) await search.look(folder);
  for (const path of secret) {
    const target = await realpath(path).catch(() => undefined);
    if (target === undefined || !shown(target)) continue;
    if ((await stat(target)).isDirectory()) hidden.hiddenFolders.push(target);
    else hidden.hiddenFiles.push(target);
  }
  return { folders, files, links, ...hidden };
}

export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Collects entries that are not world-readable. */
class Search {
  readonly #folders: string[];
  readonly #files: string[];
  #left = MAX_ENTRIES;

  constructor(folders: string[], files: string[]) {
    this.#folders = folders;
    this.#files = files;
  }

  async look(folder: string): Promise<void> {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined || (this.#left -= entries.length) < 0) return void this.#folders.push(folder);
    const below: string[] = [];
    await Promise.all(
      entries.map(async (entry) => {
        const path = join(folder, entry.name);
        const { mode } = await lstat(path).catch(() => ({ mode: 0 }));
        if (entry.isDirectory()) {
          if ((mode & FOLDER_FOR_ALL) === FOLDER_FOR_ALL) below.push(path);
          else this.#folders.push(path);
        } else if (!entry.isSymbolicLink() && (mode & FILE_FOR_ALL) === 0) this.#files.push(path);
      }),
    );
    for (const path of below) await this.look(path);
  }
}
