import { access, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Clock, pause, untilAborted, withDeadline } from 'clock-port';
import { START_VARIABLE } from '../stragglers.ts';
import { Child, firstLine } from './child.ts';
import type { DesktopTools } from './desktop-tools.ts';
import type { Desktop, DesktopOrder } from './desktop.ts';
import { announcing, type CommandLine, type Programs } from './programs.ts';
import { writeXauthority } from './xauthority.ts';

const START_MS = 20_000;
/** Pauses before an ended program starts again: the first pause, doubled up to the longest. */
const AGAIN_MS = 250;
const AGAIN_MAX_MS = 10_000;
/** Longest wait for the window manager before the program starts without it, and the interval of the checks. */
const MANAGER_MS = 10_000;
const LOOK_MS = 20;
/** Time for output that is still on its way after a program's end. */
const LAST_WORDS_MS = 300;
/** A program that ran this long ended because its user closed it. */
const WELL_MS = 5_000;

/**
 * A real X desktop: Xvnc on a Unix socket, a window manager, and the session's program. Nothing listens on TCP; a cookie protects the X display
 * from other users, the folder protects the screen. The session ends when Xvnc ends; the other programs are started again.
 */
export function xvncDesktop(order: DesktopOrder & DesktopTools, programs: Programs, program: CommandLine): Desktop {
  return {
    async run(signal, onReady) {
      const log = order.output();
      const over = new AbortController();
      const copies: Promise<void>[] = [];
      const outputs: Readable[] = [];
      const children = new Set<Child>();
      const authority = join(order.folder, 'xauthority');
      await writeXauthority(authority);
      const env = {
        ...order.env,
        HOME: order.home,
        XAUTHORITY: authority,
        [START_VARIABLE]: order.start,
        STREAMSPACE_SESSION: order.id,
      };
      const start = (command: CommandLine, more: Record<string, string>, pipe = false) => {
        const child = new Child({
          command,
          cwd: order.home,
          env: { ...env, ...more },
          pipe,
          kill: order.kill,
          clock: order.clock,
        });
        children.add(child);
        outputs.push(...child.output);
        copies.push(...child.output.map((stream) => log.copy(stream)));
        void child.ended.then(() => children.delete(child));
        return child;
      };
      const keepRunning = async (command: CommandLine, display: string): Promise<void> => {
        for (let again = AGAIN_MS; !over.signal.aborted;) {
          const since = order.clock.monotonic();
          const how = await start(command, { DISPLAY: display }).ended;
          if (over.signal.aborted) return;
          order.log(`${command[0]} ${how}, starting it again`);
          again = order.clock.monotonic() - since > WELL_MS ? AGAIN_MS : Math.min(2 * again, AGAIN_MAX_MS);
          await pause(order.clock, again, over.signal);
        }
      };

      const server = start(serverCommand(programs.server, order, authority), {}, true);
      const died = server.ended.then((how) => {
        throw new Error(`Xvnc ${how}: see desktop.log in the session's folder`);
      });
      died.catch(() => {});
      const kept: Promise<void>[] = [];
      try {
        const display = `:${await Promise.race([firstLine(server.extra, order.clock, START_MS, 'start of Xvnc'), died])}`;
        await Promise.race([answers(order.screen), died]);
        if (!signal.aborted) {
          onReady();
          if (programs.windowManager) {
            const managing = join(order.folder, 'managing');
            await rm(managing, { force: true });
            const announced = announcing(programs.windowManager, managing);
            kept.push(keepRunning(announced ?? programs.windowManager, display));
            if (announced)
              await Promise.race([appears(managing, order.clock, over.signal), died, untilAborted(signal)]);
          }
          if (!signal.aborted) kept.push(keepRunning(program, display));
        }
        await Promise.race([died, untilAborted(signal)]);
      } finally {
        over.abort();
        // programs first, so that they can save their work while the display exists
        await Promise.all([...children].filter((child) => child !== server).map((child) => child.end()));
        await server.end();
        await Promise.all(kept);
        // output that a daemon of the session still holds open never ends
        await withDeadline(order.clock, LAST_WORDS_MS, 'last output', undefined, () => Promise.all(copies)).catch(
          () => {},
        );
        for (const stream of outputs) stream.destroy();
        await Promise.all(copies);
        await log.close();
      }
    },
  };
}

/**
 * The display's abstract socket stays open (`-nolisten local` would close it): by binding it, servers that start at the same time avoid the
 * same number; the cookie protects it. Log level 20: connections, not every update.
 */
const FIXED =
  '-displayfd 3 -rfbport -1 -rfbunixmode 0600 -SecurityTypes None -AlwaysShared -nolisten tcp -geometry 1280x800 -depth 24 -Log *:stderr:20';

function serverCommand([path, ...args]: CommandLine, order: DesktopOrder, authority: string): CommandLine {
  const title = order.name || order.id;
  return [path, ...args, ...FIXED.split(' '), '-rfbunixpath', order.screen, '-auth', authority, '-desktop', title];
}

/** Resolves when a connection to the socket gets the server's first byte. */
function answers(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', (error) => reject(new Error(`Xvnc does not serve its screen: ${error.message}`)));
    socket.once('close', () => reject(new Error('Xvnc closed the first connection')));
  });
}

/**
 * Waits for the window manager: a window that exists before it stays small and has no focus. The wait is bounded: such a window is better than
 * none.
 */
async function appears(file: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const end = clock.monotonic() + MANAGER_MS;
  while (!signal.aborted && clock.monotonic() < end) {
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) return;
    await pause(clock, LOOK_MS, signal);
  }
}
