import { realpath } from 'node:fs/promises';

/** Folders of a host that its engine and its kernel write, and whose content is a way to other sessions or to the host itself. */
const NEVER = [
  '/boot',
  '/dev',
  '/proc',
  '/run',
  '/sys',
  '/var/lib/containerd',
  '/var/lib/containers',
  '/var/lib/docker',
  '/var/run',
];
/** Folders that hold secrets beside what somebody may want to share. */
const NEVER_WHOLE = ['/etc', '/home', '/root'];

const isIn = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/**
 * Why sessions may not mount a folder of the host, in words; undefined: they may. `secret`: paths of the engine's socket and of the agent's own
 * files. A symbolic link is refused where the agent sees the host's files: where it leads may change after the operator allowed it.
 */
export async function folderProblem(folder: string, secret: readonly string[]): Promise<string | undefined> {
  const problem = lexicalProblem(folder, secret);
  if (problem !== undefined) return problem;
  let real: string;
  try {
    real = await realpath(folder);
  } catch {
    // the agent is in a container, or elsewhere: the engine says whether it is there
    return undefined;
  }
  if (real !== folder) return `${folder} leads by a symbolic link to ${real}: name the folder itself`;
  const secrets = await Promise.all(secret.map((path) => realpath(path).catch(() => path)));
  return lexicalProblem(folder, secrets);
}

function lexicalProblem(folder: string, secret: readonly string[]): string | undefined {
  if (NEVER_WHOLE.includes(folder)) return `${folder} is refused as a whole: name a folder in it`;
  const never = NEVER.find((each) => isIn(folder, each) || isIn(each, folder));
  if (never !== undefined) return `${folder} is refused, as ${never} belongs to the host and its engine`;
  const found = secret.find((each) => isIn(each, folder));
  return found === undefined ? undefined : `${folder} is refused, as it has ${found}`;
}
