import { type Place, soon, timed } from './place.ts';

export interface Starts {
  /** Milliseconds, one at a time. */
  readonly plain: number[];
  readonly sessions: number[];
  /** Milliseconds until all of them answer. */
  readonly plainAtOnce: number[];
  readonly sessionsAtOnce: number[];
}

/** Sessions and plain containers in turns, so that a noisy minute hits both. */
export async function starts(place: Place, rounds: number, atOnce: number): Promise<Starts> {
  const driver = place.driver();
  const times: Starts = { plain: [], sessions: [], plainAtOnce: [], sessionsAtOnce: [] };
  const create = () => driver.create(place.spec(), place.op());
  for (let round = 0; round < rounds; round++) {
    times.plain.push(await timed(() => place.plain()));
    times.sessions.push(await timed(create));
    await place.clear();
  }
  const together = (work: () => Promise<unknown>) => timed(() => Promise.all(Array.from({ length: atOnce }, work)));
  for (let round = 0; round < Math.max(1, Math.floor(rounds / 5)); round++) {
    times.plainAtOnce.push(await together(() => place.plain()));
    await place.clear();
    times.sessionsAtOnce.push(await together(create));
    await place.clear();
  }
  return times;
}

/** Records of so many sessions that sleep (as many desktops would not fit), and lists of them; milliseconds. */
export async function lists(place: Place, count: number): Promise<{ records: number[]; lists: number[] }> {
  const driver = place.driver();
  const times: { records: number[]; lists: number[] } = { records: [], lists: [] };
  for (let n = 0; n < count; n++) {
    const spec = place.spec();
    const draft = place.records.draft(spec.id, undefined, { desired: 'hibernated', spec, commandId: 'bench', term: 1 });
    times.records.push(await timed(() => place.records.write(draft, undefined, soon())));
  }
  for (let round = 0; round < 20; round++) times.lists.push(await timed(() => driver.list(soon())));
  return times;
}
