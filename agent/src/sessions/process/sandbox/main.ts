import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { systemClock } from 'clock-port';
import { makeDesktop } from '../host/choice.ts';
import { DESCRIPTORS, INSIDE } from './arguments.ts';
import { FAILED, type InsideOrder, READY } from './messages.ts';
import { relayViewers } from './relay.ts';

// The first program in a session's sandbox: runs the desktop there, and relays viewers to it. Nothing outside trusts this program.
const log = (message: string) => process.stderr.write(`${new Date().toISOString()} ${message}\n`);
const say = (line: string) => {
  try {
    writeSync(DESCRIPTORS.report, `${line.replaceAll('\n', ' ')}\n`);
  } catch {
    // the session host has ended, and this process will end soon
  }
};

const output = new Socket({ fd: DESCRIPTORS.output });
output.on('error', () => {});

async function copied(from: Readable, to: Socket): Promise<void> {
  try {
    for await (const chunk of from) {
      if (!to.write(chunk as Buffer) && !to.destroyed)
        await new Promise((resolve) => to.once('drain', resolve).once('close', resolve));
    }
  } catch {
    // the program has ended
  }
}

async function run(order: InsideOrder, signal: AbortSignal): Promise<void> {
  const desktop = await makeDesktop(
    {
      ...order,
      screen: INSIDE.screen,
      folder: INSIDE.folder,
      home: INSIDE.home,
      env: { ...order.env, USER: INSIDE.user, LOGNAME: INSIDE.user, TMPDIR: '/tmp' },
      clock: systemClock,
      log,
      kill: (pid, how) => void process.kill(pid, how),
      output: () => ({ copy: (stream) => copied(stream, output), close: () => Promise.resolve() }),
    },
    order.desktop,
  );
  const viewers = relayViewers(DESCRIPTORS.viewers, INSIDE.screen, log);
  try {
    await desktop.run(signal, () => say(READY));
  } finally {
    viewers.close();
  }
}

const stop = new AbortController();
const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();
input.on('close', () => stop.abort(new Error('stopped')));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(new Error(signal)));
for (const signal of ['SIGHUP', 'SIGPIPE'] as const) process.on(signal, () => {});

try {
  const { value } = await lines.next();
  await run(JSON.parse(value ?? '') as InsideOrder, stop.signal);
  process.exit(0);
} catch (error) {
  say(`${FAILED}${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
