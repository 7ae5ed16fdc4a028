// npm run soak -- --hostile [--minutes 10]: a hub of 400 MB under one hostile agent and one hostile user.
// npm run soak [-- --gib 10] [-- --tunnels 100] [-- --connects 1000]: bytes through many screens of three replicas, hashed at both ends.
import { loadavg } from 'node:os';
import { buildPrograms } from '../../scripts/build.mjs';
import { hostile } from './hostile.ts';
import { Soak } from './run.ts';

const option = (name: string, fallback: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const [gib, tunnels, connects] = [option('gib', 10), option('tunnels', 100), option('connects', 1_000)];
const say = (text: string) => void process.stderr.write(`soak: ${text}\n`);

await buildPrograms();
if (process.argv.includes('--hostile')) {
  const minutes = option('minutes', 10);
  const { alive, rss, p99, done, planted } = await hostile(minutes * 60_000, Math.min(60_000, minutes * 30_000));
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  for (const [what, times] of Object.entries(done)) say(`${what}: ${times}`);
  process.stdout.write(
    `${minutes} min: ${alive ? 'alive' : 'DEAD'}, ${planted} sessions planted, RSS ${mib(rss.calm)} MiB calm, ${mib(rss.most)} MiB at most; ` +
      `p99 of GET /health ${p99.calm.toFixed(1)} ms calm, ${p99.hostile.toFixed(1)} ms meanwhile (load average ${loadavg()[0]!.toFixed(1)})\n`,
  );
  if (!alive || planted > 0) process.exitCode = 1;
} else await pour();

async function pour(): Promise<void> {
  const soak = await Soak.start();
  try {
    const came = await soak.connects(connects);
    say(`${came.connects} viewers came, ${came.failed.length} in vain`);
    const { bytes, seconds, wrong } = await soak.pour(gib * 2 ** 30, tunnels, say);
    for (const each of [...came.failed, ...wrong]) say(`WRONG: ${each}`);
    process.stdout.write(
      `${came.connects} viewer connects through 3 replicas at random, ${came.failed.length} failed; ` +
        `${(bytes / 2 ** 30).toFixed(2)} GiB through ${tunnels} tunnels with stalls in ${seconds.toFixed(0)} s, ` +
        `${wrong.length} hashes differ (load average ${loadavg()[0]!.toFixed(1)})\n`,
    );
    if (came.failed.length + wrong.length > 0) process.exitCode = 1;
  } finally {
    await soak.stop();
  }
}
