import type { Channel } from './channel.ts';

const MESSAGE = Buffer.alloc(32, 0x2a);

/** Round trips of 32 bytes, one after the other, each in microseconds. Ends after `count` or `limitMs`. */
export function echoRoundTrips(channel: Channel, count: number, limitMs: number, pauseMs = 0): Promise<number[]> {
  const samples: number[] = [];
  const end = performance.now() + limitMs;
  return new Promise((resolve) => {
    let sentAt = 0;
    let received = 0;
    const send = () => {
      sentAt = performance.now();
      channel.send(MESSAGE);
    };
    channel.onData((data) => {
      received += data.length;
      if (received < MESSAGE.length) return;
      received = 0;
      const now = performance.now();
      samples.push((now - sentAt) * 1000);
      if (samples.length >= count || now > end) return resolve(samples);
      if (pauseMs > 0) setTimeout(send, pauseMs);
      else send();
    });
    send();
  });
}

/** Reads everything for `ms`, after a warm-up of a fifth of that; MiB per second. */
export function throughput(channel: Channel, ms: number): Promise<number> {
  let bytes = 0;
  channel.onData((data) => void (bytes += data.length));
  return new Promise((resolve) => {
    setTimeout(() => {
      bytes = 0;
      const started = performance.now();
      setTimeout(() => resolve(bytes / 1024 / 1024 / ((performance.now() - started) / 1000)), ms);
    }, ms / 5);
  });
}
