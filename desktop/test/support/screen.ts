import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RfbClient, type RfbClientOptions } from '@streamspace/testkit';
import { Framebuffer } from '../../src/framebuffer.ts';
import { cursorRect } from '../../src/cursor.ts';
import { type RfbServer, serveRfb } from '../../src/rfb/server.ts';

export const soon = () => AbortSignal.timeout(5_000);

/** The built-in RFB server on a socket of its own, showing a picture that tests change. */
export interface TestScreen {
  readonly frame: Framebuffer;
  readonly server: RfbServer;
  readonly path: string;
  readonly input: string[];
  readonly problems: string[];
  /** Resolves when that many viewers are connected. */
  viewers(count: number): Promise<void>;
  /** Resolves when that much input has arrived. */
  inputs(count: number): Promise<void>;
  view(options?: RfbClientOptions): Promise<RfbClient>;
  close(): Promise<void>;
}

export async function testScreen(width = 100, height = 70): Promise<TestScreen> {
  const folder = await mkdtemp(join(tmpdir(), 'streamspace-screen-'));
  const path = join(folder, 'screen');
  const frame = new Framebuffer(width, height);
  frame.pixels.forEach((_, i) => (frame.pixels[i] = (i * 7919) & 0xffffff));
  const input: string[] = [];
  const problems: string[] = [];
  const waiting = new Set<() => void>();
  let count = 0;
  const tell = () => {
    for (const check of waiting) check();
  };
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!holds()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  const server = await serveRfb(
    path,
    {
      frame,
      name: 'test screen',
      cursor: cursorRect,
      key: (down, keysym) => void input.push(`key ${down} ${keysym}`),
      pointer: (x, y, buttons) => void input.push(`pointer ${x} ${y} ${buttons}`),
      cutText: (text) => void input.push(`cut ${text.length} ${text.slice(0, 20)}`),
      changed: tell,
    },
    {
      onViewers(now) {
        count = now;
        tell();
      },
      log: (message) => void problems.push(message),
    },
  );
  return {
    frame,
    server,
    path,
    input,
    problems,
    viewers: (wanted) => until(() => count === wanted),
    inputs: (wanted) => until(() => input.length >= wanted),
    async view(options) {
      const client = await RfbClient.open(createConnection(path), soon(), options);
      await client.firstPicture(soon());
      return client;
    },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
