import type { ClaimResult, Store } from '../../../api/src/store/store.ts';

/** Watches what the store accepts, from the inside: design I1, as the store sees it. */
export function monitored(store: Store): { store: Store; problems: string[]; terms: number[] } {
  const problems: string[] = [];
  const terms: number[] = [];
  let claims = 0;
  let holder: { order: number; connectionId: string; term: number; replica: string } | undefined;
  const { agents, commands } = store;
  const byHolder = (what: string, connectionId: string | undefined, effect: unknown) => {
    if (effect !== undefined && connectionId !== undefined && connectionId !== holder?.connectionId)
      problems.push(`${what} by the superseded connection ${connectionId}`);
  };
  const watched: Store = {
    ...store,
    agents: {
      ...agents,
      async claim(claim): Promise<ClaimResult> {
        // a step has happened when it is begun; which of two is answered first is the replica's affair
        const order = ++claims;
        const result = await agents.claim(claim);
        if (result.accepted && order > (holder?.order ?? 0)) {
          if (
            holder !== undefined &&
            (result.term < holder.term || (result.term === holder.term && claim.replica !== holder.replica))
          ) {
            problems.push(`term ${result.term} of ${claim.replica} accepted after ${holder.term} of ${holder.replica}`);
          }
          holder = { order, connectionId: claim.connectionId, term: result.term, replica: claim.replica };
          terms.push(result.term);
        }
        return result;
      },
    },
    commands: {
      ...commands,
      async markSent(id, connectionId, at) {
        const before = holder;
        const sent = await commands.markSent(id, connectionId, at);
        if (before === holder) byHolder(`sent ${id}`, connectionId, sent);
        return sent;
      },
      async markAck(id, attempt, connectionId, at) {
        const acked = await commands.markAck(id, attempt, connectionId, at);
        byHolder(`ack of ${id}`, connectionId, acked);
        return acked;
      },
      async finish(id, attempt, ...rest) {
        const finished = await commands.finish(id, attempt, ...rest);
        byHolder(`result of ${id}`, attempt?.connectionId, finished);
        return finished;
      },
    },
  };
  return { store: watched, problems, terms };
}
