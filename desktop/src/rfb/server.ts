import { createServer } from 'node:net';
import type { Rect } from '../framebuffer.ts';
import { type Screen, RfbViewer } from './viewer.ts';

/** Most viewers at once. */
const VIEWERS = 64;

export interface RfbServer {
  /** Records a changed part of the screen for every viewer, and sends it to the viewers that wait for it. */
  damage(rects: readonly Rect[]): void;
  /** Sends the clipboard to every viewer. */
  cutText(text: string): void;
  readonly viewers: number;
  close(): Promise<void>;
}

/** Serves a screen by RFB 3.3, 3.7 and 3.8 on a Unix socket, without authentication: access to the socket is access to the screen. */
export async function serveRfb(
  path: string,
  screen: Screen,
  events: { onViewers(count: number): void; log(message: string): void },
): Promise<RfbServer> {
  const viewers = new Set<RfbViewer>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const viewer: RfbViewer = new RfbViewer(socket, screen, (error) => {
      if (error) events.log(`viewer: ${error.message}`);
      viewers.delete(viewer);
      events.onViewers(viewers.size);
    });
    viewers.add(viewer);
    events.onViewers(viewers.size);
  });
  server.maxConnections = VIEWERS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    damage(rects) {
      for (const viewer of viewers) {
        for (const rect of rects) viewer.damage(rect);
        viewer.flush();
      }
    },
    cutText(text) {
      for (const viewer of viewers) viewer.cutText(text);
    },
    get viewers() {
      return viewers.size;
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const viewer of viewers) viewer.close();
      return closed;
    },
  };
}
