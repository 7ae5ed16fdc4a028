import { closeSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from 'clock-port';
import { type HostOrder, parseOrder } from '../host-messages.ts';
import { BoundedLog } from './bounded-log.ts';
import { makeDesktop } from './choice.ts';
import type { DesktopTools } from './desktop-tools.ts';
import type { DesktopOrder } from './desktop.ts';
import { sandboxedDesktop } from './sandboxed.ts';
import { runSessionHost } from './session-host.ts';

// A session host: outlives the agent that started it, and ends with its session. See session-host.ts.
const log = (message: string) => process.stderr.write(`${new Date().toISOString()} ${message}\n`);
const kill = (pid: number, signal: NodeJS.Signals) => void process.kill(pid, signal);
const controller = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => controller.abort(new Error(`stopped by ${signal}`)));
}
// the terminal or agent that started this process may have ended long ago
process.on('SIGHUP', () => {});
process.on('SIGPIPE', () => {});

const bundle = dirname(fileURLToPath(import.meta.url));
const inside = {
  command: [process.execPath, join(bundle, 'session-sandbox.js')],
  programs: [process.execPath, bundle],
};

function desktopFor(order: DesktopOrder, { desktop, sandbox }: HostOrder) {
  const output = () => new BoundedLog(join(order.folder, 'desktop.log'));
  const whole: DesktopOrder & DesktopTools = { ...order, clock: systemClock, log, kill, output };
  return sandbox ? Promise.resolve(sandboxedDesktop(whole, desktop, sandbox, inside)) : makeDesktop(whole, desktop);
}

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
          // the process that started this one has ended
        }
      },
      makeDesktop: desktopFor,
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
