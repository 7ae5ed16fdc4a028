import type { SystemView } from './system-view.ts';

/** Paths as a session sees them. */
export const INSIDE = {
  home: '/home/user',
  /** Its own folder for what does not outlive it. */
  folder: '/run/session',
  screen: '/run/session/screen',
  user: 'user',
} as const;

/** File descriptors that bubblewrap, and then the program in it, are given besides the three that every program has. */
export const DESCRIPTORS = {
  /** The program in the sandbox says here how it is doing. */
  report: 3,
  /** The socket for viewers, listening. */
  viewers: 4,
  /** bubblewrap reads its arguments here, so that no session sees them in /proc. */
  arguments: 5,
  passwd: 6,
  group: 7,
  /** What the session's programs print. Not the standard output, which Node writes to without turns. */
  output: 8,
} as const;

export interface SandboxPlan {
  readonly view: SystemView;
  /** The session's home; a probe has none. */
  readonly home: string | undefined;
  /** Files and folders of our own that run inside: shown read-only where they are. */
  readonly programs: readonly string[];
  /** The agent's own; root becomes somebody else inside, for many programs refuse to run as root. */
  readonly uid: number;
  readonly gid: number;
}

const NOBODY = 65_534;
const NOT_ROOT = 1000;

export const idsInside = ({ uid, gid }: Pick<SandboxPlan, 'uid' | 'gid'>) => ({
  uid: uid === 0 ? NOT_ROOT : uid,
  gid: gid === 0 ? NOT_ROOT : gid,
});

/**
 * bubblewrap's arguments: user, mount, pid and ipc namespaces of its own, the system read-only, one home. The network stays the
 * machine's. Everything in it ends when its first process does, and that with the process that started it.
 */
export function sandboxArguments(plan: SandboxPlan): string[] {
  const { view, home, programs } = plan;
  const { uid, gid } = idsInside(plan);
  return [
    ['--unshare-user', '--unshare-pid', '--unshare-ipc', '--uid', `${uid}`, '--gid', `${gid}`],
    // a terminal of the agent's must not be typed into (TIOCSTI)
    ['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    view.folders.flatMap((path) => ['--ro-bind', path, path]),
    view.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    view.hiddenFolders.flatMap((path) => ['--tmpfs', path, '--remount-ro', path]),
    view.hiddenFiles.flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ['--ro-bind-data', `${DESCRIPTORS.passwd}`, '/etc/passwd', '--ro-bind-data', `${DESCRIPTORS.group}`, '/etc/group'],
    ['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', INSIDE.folder],
    ['--dir', '/var', '--symlink', '/tmp', '/var/tmp'],
    view.files.flatMap((path) => ['--ro-bind', path, path]),
    programs.flatMap((path) => ['--ro-bind', path, path]),
    home === undefined ? ['--dir', INSIDE.home] : ['--bind', home, INSIDE.home],
    ['--remount-ro', '/', '--chdir', INSIDE.home],
  ].flat();
}

/** As `--args` reads them. */
export const argumentText = (words: readonly string[]): string => words.map((word) => `${word}\0`).join('');

/** `/etc/passwd` and `/etc/group` of a session: its own user, whom the machine may know by another name, or not at all. */
export function accounts(ids: Pick<SandboxPlan, 'uid' | 'gid'>, shell: string): { passwd: string; group: string } {
  const { uid, gid } = idsInside(ids);
  return {
    passwd: [
      'root:x:0:0:root:/nonexistent:/usr/sbin/nologin',
      `${INSIDE.user}:x:${uid}:${gid}::${INSIDE.home}:${shell}`,
      `nobody:x:${NOBODY}:${NOBODY}:nobody:/nonexistent:/usr/sbin/nologin`,
      '',
    ].join('\n'),
    group: ['root:x:0:', `${INSIDE.user}:x:${gid}:`, `nogroup:x:${NOBODY}:`, ''].join('\n'),
  };
}
