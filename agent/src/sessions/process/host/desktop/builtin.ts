import { chmod } from 'node:fs/promises';
import type { Clock } from 'clock-port';
import type { Desktop, DesktopOrder } from '../desktop.ts';
import { Framebuffer } from './framebuffer.ts';
import { rectHeader, ENCODING } from './rfb/server-messages.ts';
import { serveRfb } from './rfb/server.ts';

/** The desktop for machines that have none: drawn here, spoken by our own RFB server. */
export function builtinDesktop({
  screen: path,
  name,
  id,
  clock,
  log,
}: DesktopOrder & { clock: Clock; log: (message: string) => void }): Desktop {
  return {
    async run(signal, onReady) {
      const frame = new Framebuffer(1280, 800);
      frame.pixels.fill(0xf4f6fb);
      void clock;
      let dots = 0;
      const server = await serveRfb(
        path,
        {
          frame,
          name: name || id,
          cursor: () => rectHeader({ x: 0, y: 0, width: 0, height: 0 }, ENCODING.cursor),
          key(down) {
            if (!down) return;
            const rect = { x: 40 + 20 * (dots % 60), y: 40 + 20 * Math.floor(dots++ / 60), width: 14, height: 14 };
            for (let y = rect.y; y < rect.y + rect.height; y++)
              frame.pixels.fill(0x3355aa, y * 1280 + rect.x, y * 1280 + rect.x + rect.width);
            server.damage([rect]);
          },
          pointer() {},
          cutText() {},
        },
        { onViewers() {}, log },
      );
      await chmod(path, 0o600);
      onReady();
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      await server.close();
    },
  };
}
