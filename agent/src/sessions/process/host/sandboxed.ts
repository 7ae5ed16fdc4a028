import { whenAborted } from 'clock-port';
import type { ChildProcess } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import type { Readable } from 'node:stream';
import { START_VARIABLE } from '../stragglers.ts';
import type { HostOrder } from '../host-messages.ts';
import { lineReader } from '../lines.ts';
import { DESCRIPTORS } from '../sandbox/arguments.ts';
import { startSandbox } from '../sandbox/bwrap.ts';
import { FAILED, type InsideOrder, READY, REPORT_LINE } from '../sandbox/messages.ts';
import type { DesktopTools } from './desktop-tools.ts';
import type { Desktop, DesktopOrder } from './desktop.ts';

const LAST_WORDS = 500;
/** Time for the desktop in the sandbox to end before the whole sandbox is killed, milliseconds. */
const END_MS = 7_000;

/** A desktop in a sandbox of its own. `inside`: the program that runs the desktop there, as node and a file of this build. */
export function sandboxedDesktop(
  order: DesktopOrder & DesktopTools,
  choice: HostOrder['desktop'],
  { bwrap, secret }: NonNullable<HostOrder['sandbox']>,
  inside: { readonly command: readonly string[]; readonly programs: readonly string[] },
): Desktop {
  return {
    async run(signal, onReady) {
      const output = order.output();
      const viewers = await listenFor(order.screen);
      const { PATH, LANG, TZ, SHELL } = order.env;
      const shown = Object.entries({ PATH, LANG, TZ, SHELL, [START_VARIABLE]: order.start }).filter(([, text]) => text);
      const child = await startSandbox({
        ...inside,
        bwrap,
        secret,
        home: order.home,
        env: Object.fromEntries(shown) as Record<string, string>,
        viewers,
      }).finally(() => viewers.close());
      const words = lastWords(child.stderr!);
      const pipe = (descriptor: number) => (child.stdio as readonly unknown[])[descriptor] as Readable;
      const prints = [1, 2, DESCRIPTORS.output].map(pipe);
      const copies = prints.map((stream) => output.copy(stream));
      const report = reported(pipe(DESCRIPTORS.report), onReady);
      child.stdin!.write(`${JSON.stringify(orderFor(order, choice))}\n`);

      let patience: ReturnType<typeof order.clock.setTimeout> | undefined;
      const end = () => {
        child.stdin!.end();
        patience = order.clock.setTimeout(() => child.kill('SIGKILL'), END_MS);
      };
      const forget = whenAborted(signal, end);
      try {
        const how = await endOf(child);
        if (!signal.aborted) throw new Error((await report) || `its sandbox ${how}${words() && `: ${words()}`}`);
      } finally {
        forget();
        patience?.cancel();
        await Promise.all(copies);
        await output.close();
      }
    },
  };
}

function orderFor(order: DesktopOrder, desktop: HostOrder['desktop']): InsideOrder {
  const { id, start, name, user, template, program, env } = order;
  return { id, start, name, user, template, program, env, desktop };
}

/**
 * The socket for viewers, made outside the sandbox, so that no session can replace it, and handed in while listening. It is renamed because
 * closing this end removes the name that the socket was made under.
 */
async function listenFor(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`${path}.new`, () => resolve());
  });
  await rename(`${path}.new`, path);
  return server;
}

/** Calls back when the desktop is ready; resolves with the reason of a failure, or empty if none was given. */
function reported(stream: Readable, onReady: () => void): Promise<string> {
  let reason = '';
  let ready = false;
  const read = lineReader(REPORT_LINE, (line) => {
    if (line.startsWith(FAILED)) reason = line.slice(FAILED.length);
    if (line !== READY || ready) return;
    ready = true;
    onReady();
  });
  stream.setEncoding('utf8');
  stream.on('error', () => {});
  return new Promise((resolve) => {
    stream.on('data', (chunk: string) => {
      if (!read(chunk)) stream.destroy();
    });
    stream.once('close', () => resolve(reason));
  });
}

/** Resolves when everything in the sandbox has ended, with the way it ended, in words. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`did not start: ${error.message}`));
    child.once('exit', (code, signal) => resolve(signal ? `was killed (${signal})` : `ended with code ${code}`));
  });
}

function lastWords(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(-LAST_WORDS)));
  return () => text.trim();
}
