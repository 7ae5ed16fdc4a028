import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join } from 'node:path';

/** A program, with arguments that suit a session. */
export type CommandLine = readonly [path: string, ...args: string[]];

const SERVERS: readonly CommandLine[] = [['Xvnc'], ['Xtigervnc']];

const WINDOW_MANAGERS: readonly CommandLine[] = [
  ['openbox'],
  ['matchbox-window-manager'],
  ['icewm'],
  ['fluxbox'],
  ['jwm'],
  ['twm'],
];

/** Only terminals that stay in the foreground: one that hands over to its own server would look closed at once. */
const TERMINALS: readonly CommandLine[] = [
  ['xterm', '-maximized', '-fa', 'Monospace', '-fs', '11', '-bg', '#fbfcfe', '-fg', '#1d2433', '-sl', '5000'],
  ['xfce4-terminal', '--disable-server', '--maximize'],
  ['mate-terminal', '--disable-factory', '--maximize'],
  ['lxterminal', '--no-remote'],
  ['urxvt'],
  ['rxvt'],
  ['st'],
];

/**
 * The command of the window manager, extended to create `file` once it manages windows; undefined for a window manager without such an option,
 * and for a path that needs more than simple quotes.
 */
export function announcing([path, ...args]: CommandLine, file: string): CommandLine | undefined {
  return basename(path) === 'openbox' && !file.includes("'")
    ? [path, ...args, '--startup', `touch '${file}'`]
    : undefined;
}

/** The programs of an X desktop. */
export interface Programs {
  readonly server: CommandLine;
  readonly windowManager: CommandLine | undefined;
  readonly terminal: CommandLine;
}

/** The first program of each kind on PATH; or the name of the missing one. */
export async function findPrograms(path: string): Promise<Programs | { readonly missing: string }> {
  const server = await first(SERVERS, path);
  const terminal = await first(TERMINALS, path);
  if (!server) return { missing: 'Xvnc (TigerVNC, package tigervnc-standalone-server)' };
  if (!terminal) return { missing: 'a terminal (package xterm)' };
  return { server, terminal, windowManager: await first(WINDOW_MANAGERS, path) };
}

/** Path of a program; undefined if it is not on `path` or not executable. */
export async function which(name: string, path: string): Promise<string | undefined> {
  const places = isAbsolute(name) ? [name] : path.split(delimiter).map((folder) => join(folder, name));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      if ((await stat(place)).isFile()) return place;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

async function first(commands: readonly CommandLine[], path: string): Promise<CommandLine | undefined> {
  for (const [name, ...args] of commands) {
    const found = await which(name, path);
    if (found) return [found, ...args];
  }
  return undefined;
}
