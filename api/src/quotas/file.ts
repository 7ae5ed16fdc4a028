import { readFile } from 'node:fs/promises';
import { QuotaEntry } from '@streamspace/protocol';
import { ConfigError } from '@streamspace/settings';
import Type from 'typebox';
import { Compile } from 'typebox/compile';

const Entries = Compile(Type.Array(QuotaEntry, { maxItems: 10_000 }));
const NAME = 'QUOTAS_FILE';

/** The entries of QUOTAS_FILE. Rejects with {@link ConfigError}, which names every problem in it. */
export async function readQuotas(path: string): Promise<QuotaEntry[]> {
  const refuse = (problems: readonly string[]) =>
    new ConfigError(problems.map((problem) => ({ name: NAME, message: `${NAME} ${path}: ${problem}` })));
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw refuse([`can't be read as JSON (${(error as Error).message})`]);
  }
  if (!Entries.Check(parsed))
    throw refuse(Entries.Errors(parsed).map(({ instancePath, message }) => `${instancePath || 'the file'} ${message}`));
  const problems = problemsOf(parsed);
  if (problems.length > 0) throw refuse(problems);
  return parsed;
}

function problemsOf(entries: readonly QuotaEntry[]): string[] {
  const problems: string[] = [];
  const seen = new Map<string, number>();
  for (const [index, { user, group }] of entries.entries()) {
    if (user !== undefined && group !== undefined) {
      problems.push(`/${index} is for a user and for a group: make it two entries`);
      continue;
    }
    const whose =
      user !== undefined
        ? `user ${JSON.stringify(user)}`
        : group !== undefined
          ? `group ${JSON.stringify(group)}`
          : 'everybody';
    const before = seen.get(whose);
    if (before === undefined) seen.set(whose, index);
    else problems.push(`/${index} is for ${whose}, as /${before} is: make it one entry`);
  }
  return problems;
}
