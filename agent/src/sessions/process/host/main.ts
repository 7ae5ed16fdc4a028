import { closeSync, writeSync } from 'node:fs';
import { systemClock } from 'clock-port';
import { parseOrder } from '../host-messages.ts';
import { makeDesktop } from './choice.ts';
import { runSessionHost } from './session-host.ts';

// A session host: outlives the agent that started it, ends with its session. See session-host.ts.
const log = (message: string) => process.stderr.write(`${new Date().toISOString()} ${message}\n`);
const kill = (pid: number, signal: NodeJS.Signals) => void process.kill(pid, signal);
const controller = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => controller.abort(new Error(`stopped by ${signal}`)));
}
// the terminal or agent that started it may be long gone
process.on('SIGHUP', () => {});
process.on('SIGPIPE', () => {});

const env: Record<string, string> = {};
for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value;

try {
  await runSessionHost(
    {
      order: parseOrder(process.argv[2] ?? ''),
      pid: process.pid,
      clock: systemClock,
      env,
      onBound() {
        try {
          writeSync(3, 'bound\n');
          closeSync(3);
        } catch {
          // whoever started it is gone
        }
      },
      makeDesktop: (order, choice) => makeDesktop({ ...order, clock: systemClock, log, kill }, choice),
      log,
      kill,
    },
    controller.signal,
  );
  process.exit(0);
} catch (error) {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
}
