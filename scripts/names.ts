// One name, one thing: lists names that two files of the packages export (node scripts/run-ts.mjs scripts/names.ts; part of npm run check).
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Names that several files export on purpose, each with the reason. */
export const SHARED_NAMES: Readonly<Record<string, string>> = {
  MAX_TERM: 'the elector knows no hub, and the wire no elector; a test of the agent holds the two equal',
  duration: 'a value of the charts is declared by the word for its setting',
  integer: 'a value of the charts is declared by the word for its setting',
  list: 'a value of the charts is declared by the word for its setting',
  objectName: 'a value of the charts is declared by the word for its setting',
  port: 'a value of the charts is declared by the word for its setting',
};

const DECLARATION =
  /^export (?:declare )?(?:default )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|type|interface|enum) (\w+)/gm;
/** A list without `from`: what comes from another file is that file's. */
const LIST = /^export (?:type )?\{([^}]*)\}(?! from)/gm;

/** The names that a file declares and exports; formatted as Prettier does. */
export function exportedNames(text: string): Set<string> {
  const declared = [...text.matchAll(DECLARATION)].map(([, name]) => name!);
  const listed = [...text.matchAll(LIST)].flatMap(([, names]) =>
    names!.split(',').map((each) =>
      each
        .replace(/^\s*type /, '')
        .split(' as ')
        .at(-1)!
        .trim(),
    ),
  );
  return new Set([...declared, ...listed.filter((name) => name !== '')]);
}

/** A line for each name that files of the packages share without a reason, and for each reason that nothing needs any more. */
export async function nameCollisions(root: string, shared = SHARED_NAMES): Promise<string[]> {
  const packages = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const folders = await Promise.all(packages.map(({ name }) => sourcesIn(join(root, name, 'src'))));
  const files = new Map<string, string[]>();
  for (const path of folders.flat().toSorted())
    for (const name of exportedNames(await readFile(path, 'utf8')))
      files.set(name, [...(files.get(name) ?? []), relative(root, path)]);
  const twice = [...files].filter(([, paths]) => paths.length > 1);
  return [
    ...twice.filter(([name]) => !Object.hasOwn(shared, name)).map(([name, paths]) => `${name}: ${paths.join(', ')}`),
    ...Object.keys(shared)
      .filter((name) => !twice.some(([each]) => each === name))
      .map((name) => `${name}: one file exports it; take it off SHARED_NAMES`),
  ];
}

async function sourcesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const collisions = await nameCollisions(fileURLToPath(new URL('..', import.meta.url)));
  for (const each of collisions) process.stdout.write(`${each}\n`);
  if (collisions.length > 0) {
    process.stdout.write('Rename one of each, or say in SHARED_NAMES (scripts/names.ts) why they share the name.\n');
    process.exit(1);
  }
}
