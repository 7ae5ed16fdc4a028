import type { Election } from '@streamspace/protocol';
import { sentence } from './sentence.ts';

/** Why a lease was free, as the rest of “Became leader: …”. */
export const ELECTION_REASONS: Readonly<Record<Election['reason'], string>> = {
  created: 'the first leader of this agent',
  released: 'the previous leader stepped down',
  expired: 'the previous leader’s lease ran out',
  deleted: 'the lease was deleted',
  holder_gone: 'the previous leader’s process was gone',
  adopted: 'it held the lease already',
};

/** The replica's remedies, reworded for people. */
const NOTHING_TO_DO: Readonly<Record<string, string>> = {
  stale_term: 'Nothing to do: if it still holds the lease it takes a greater term and connects again by itself.',
  superseded: 'Nothing to do: a newer leader serves, and this replica goes back to standby.',
};

/** The reason of a refused connection, and the remedy. The hub's message has both, as two sentences. */
export function refusalWords({ code, message }: { code: string; message: string }): { why: string; remedy: string } {
  const end = message.indexOf('. ');
  const why = (end < 0 ? message : message.slice(0, end)) || code;
  const said = end < 0 ? '' : message.slice(end + 2);
  return { why, remedy: NOTHING_TO_DO[code] ?? (sentence(said) || 'See the agent’s log for what it tried.') };
}
