// npm run chaos [-- --minutes 10] [-- --seed N]: kills and freezes hubs, agents and Redis at random while clients work, then checks.
import { rmSync } from 'node:fs';
import { buildPrograms } from '../../scripts/build.mjs';
import { chaos } from './run.ts';

const option = (name: string, fallback: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const say = (text: string) => void process.stderr.write(`${text}\n`);

await buildPrograms();
await buildPrograms({ agent: 'test/chaos/agent.ts' }, 'dist/chaos');
const result = await chaos(
  { minutes: option('minutes', 10), seed: option('seed', Date.now() % 1_000_000), hubs: 3, agents: 5, replicas: 3 },
  say,
);
const { wrong, accepted, completed, failed, faults, promotions, folder } = result;
for (const each of wrong) say(`WRONG: ${each}`);
process.stdout.write(
  `${accepted} commands accepted, ${completed} completed, ${failed} failed, ${faults} faults (${promotions} promotions), ${wrong.length} things wrong\n`,
);
if (wrong.length === 0) rmSync(folder, { recursive: true });
else process.exitCode = 1;
