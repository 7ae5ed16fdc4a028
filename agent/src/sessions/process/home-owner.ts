import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StreamSpaceError } from '@streamspace/protocol';

/** The owner of a user's folder of homes: another user's folder may get the same name. */
const OWNER = '.owner.json';

/**
 * Makes the user the owner of a folder without owner, or checks that the user is the owner. A folder of an earlier version has no mark: the
 * user with the folder's name owns it. Throws `home_of_another`.
 */
export async function takeHomes(folder: string, user: string): Promise<void> {
  const file = join(folder, OWNER);
  let owner = await ownerOf(folder);
  if (owner === undefined) {
    const own = join(folder, `${OWNER}.${randomBytes(8).toString('hex')}.tmp`);
    try {
      await writeFile(own, JSON.stringify({ user }), { flag: 'wx', mode: 0o600 });
      // atomic: of two concurrent calls, one is first
      await link(own, file);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await unlink(own).catch(() => {});
    }
    owner = await ownerOf(folder);
  }
  if (owner?.user === user) return;
  throw new StreamSpaceError(
    'home_of_another',
    `The homes in ${folder} are not marked as this user's, and are left alone: an operator may rename or remove that folder, or mend its ${OWNER}`,
  );
}

/** Whether the homes in the folder belong to the user: the mark names the user, or there is no mark yet. */
export async function ownsHomes(folder: string, user: string): Promise<boolean> {
  const owner = await ownerOf(folder);
  return owner === undefined || owner.user === user;
}

/** Removes the mark from a folder without homes, so that the folder can be removed. */
export async function leaveHomes(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (names.every((name) => name.startsWith(OWNER)))
    for (const name of names) await rm(join(folder, name), { force: true });
}

/** The result has no `user` if the mark can't be read; it matches nobody then. */
async function ownerOf(folder: string): Promise<{ user?: unknown } | undefined> {
  let text;
  try {
    text = await readFile(join(folder, OWNER), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { user } = JSON.parse(text) as { user?: unknown };
    return { user };
  } catch {
    return {};
  }
}
