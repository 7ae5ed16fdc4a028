import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { CommandError } from '../command-error.ts';
import { check } from './chain.ts';

/** `hub audit-verify`: checks exported entries (JSON lines, newest first, as `GET /audit?format=ndjson` has them). Throws where the chain is broken. */
export async function verifyExport(input: Readable): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input })) if (line !== '') lines.push(line);
  const { count, first, last, problem } = await check(lines.toReversed());
  if (problem !== undefined) throw new CommandError(`${count} entries are right, then: ${problem}`, 1);
  if (last === undefined)
    throw new CommandError('there is no entry: send the answer of GET /api/v1/audit?format=ndjson', 1);
  return `${count} entries, ${first} to ${last.seq}: none was changed, none is missing between them. The newest hash is ${last.hash}`;
}
