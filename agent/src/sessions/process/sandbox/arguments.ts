import type { SystemView } from './system-view.ts';

/** Paths as a session sees them. */
export const INSIDE = {
  home: '/home/user',
  /** The session's own folder, for files that are deleted with the session. */
  folder: '/run/session',
  screen: '/run/session/screen',
  user: 'user',
} as const;

/** File descriptors that bubblewrap, and then the program in it, get besides the standard three. */
export const DESCRIPTORS = {
  /** For the reports of the program in the sandbox. */
  report: 3,
  /** The listening socket for viewers. */
  viewers: 4,
  /** bubblewrap reads its arguments here, so that no session sees them in /proc. */
  arguments: 5,
  passwd: 6,
  group: 7,
  /** The output of the session's programs. Not the standard output: Node writes to that synchronously. */
  output: 8,
} as const;

export interface SandboxPlan {
  readonly view: SystemView;
  /** The session's home; a test run has none. */
  readonly home: string | undefined;
  /** Files and folders of this project that run inside: visible read-only at their own paths. */
  readonly programs: readonly string[];
  /** The agent's own uid; root becomes another user inside, because many programs refuse to run as root. */
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
 * bubblewrap's arguments: own user, mount, pid and ipc namespaces, a read-only system, one home. The network is the machine's. Everything in
 * the sandbox ends with its first process, which ends with the process that started it.
 */
export function sandboxArguments(plan: SandboxPlan): string[] {
  const { view, home, programs } = plan;
  const { uid, gid } = idsInside(plan);
  return [
    ['--unshare-user', '--unshare-pid', '--unshare-ipc', '--uid', `${uid}`, '--gid', `${gid}`],
    // no program may type into the agent's terminal (TIOCSTI)
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

/** The format that `--args` reads. */
export const argumentText = (words: readonly string[]): string => words.map((word) => `${word}\0`).join('');

/** `/etc/passwd` and `/etc/group` of a session: its own user, who may have another name, or none, on the machine. */
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
