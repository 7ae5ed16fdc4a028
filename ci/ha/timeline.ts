import type { Entry } from './history.ts';

/** A round's history for a person: one line per important event. */
export function timeline(history: readonly Entry[]): string {
  const lines: string[] = [];
  let [holder, term, frames] = ['', 0, 0];
  const pods = new Map<string, string>();
  for (const entry of history) {
    const say = (text: string, at = entry.t) => lines.push(`${(at / 1_000).toFixed(3).padStart(8)}  ${text}`);
    if (entry.kind === 'fault') say(`FAULT    ${entry.what}`);
    if (entry.kind === 'mended') say(`MENDED   ${entry.what}`);
    if (entry.kind === 'note') say(`note     ${entry.text}`);
    if (entry.kind === 'healthy')
      say(`HEALTHY  ${entry.leader} leads with term ${entry.term}; ${entry.standbys.join(', ')}`);
    if (entry.kind === 'watch') say(`watch    of ${entry.of} ${entry.what}: ${entry.why}`);
    if (entry.kind === 'lease' && (entry.holder !== holder || entry.term !== term || entry.change === 'deleted')) {
      say(`lease    ${entry.change}: ${entry.holder.split('_')[0] || 'nobody'}, term ${entry.term}`);
      [holder, term] = [entry.holder, entry.term];
    }
    if (entry.kind === 'registered' && entry.by === 'log')
      say(`HUB      ${entry.hub} has ${entry.replica}, term ${entry.term}`, entry.at);
    if (entry.kind === 'said' && entry.what !== 'Registered agent') {
      const { reason, code, err, term: of } = entry.fields;
      const message = (err as { message?: unknown } | undefined)?.message ?? err;
      const more = [code, of, reason, message].filter((each) => typeof each === 'string' || typeof each === 'number');
      say(
        `${entry.component === 'api' ? 'hub' : 'agent'}      ${entry.pod}: ${entry.what} ${more.join(', ')}`,
        entry.at,
      );
    }
    if (entry.kind === 'pod' && entry.component !== 'session') {
      const now = `${entry.deleting ? 'deleting' : entry.ready ? 'ready' : entry.phase} (${entry.restarts})`;
      if (pods.get(entry.uid) !== now && entry.change !== 'known')
        say(`pod      ${entry.name} ${entry.change === 'deleted' ? 'gone' : now}`);
      pods.set(entry.uid, now);
    }
    if (entry.kind === 'screen') say(`screen   ${entry.connection} ${entry.what} ${entry.reason}`);
    if (entry.kind === 'frame' && entry.connection !== frames) {
      say(`screen   ${entry.connection} shows ${entry.number}`);
      frames = entry.connection;
    }
    if (entry.kind === 'seen' && entry.state === 'failed') say(`command  ${entry.command} failed: ${entry.code}`);
  }
  const order = (line: string) => Number(line.slice(0, 8));
  return `${lines.sort((a, b) => order(a) - order(b)).join('\n')}\n`;
}
