import { describe, expect, it } from 'vitest';
import { type ClipboardDeps, SharedClipboard, tooLong } from '../../src/viewer/clipboard.ts';

class Storage {
  readonly kept = new Map<string, string>();
  getItem = (key: string) => this.kept.get(key) ?? null;
  setItem = (key: string, value: string) => void this.kept.set(key, value);
}

/** A computer's clipboard, a desktop that takes texts, and a browser that may ask its user. */
function world(state: 'granted' | 'prompt' | 'denied' | 'no such permission') {
  const here = { text: 'here', reads: 0, writable: true };
  const sent: string[] = [];
  const refusals: string[] = [];
  const shared = new SharedClipboard({
    clipboard: {
      async readText() {
        here.reads += 1;
        if (state !== 'granted') throw new Error('the user says no');
        return here.text;
      },
      async writeText(text: string) {
        if (!here.writable) throw new Error('another window has the focus');
        here.text = text;
      },
    } as Clipboard,
    permissions: {
      async query() {
        if (state === 'no such permission') throw new TypeError(state);
        return { state };
      },
    } as unknown as Permissions,
    storage: new Storage() as unknown as ClipboardDeps['storage'],
    send(text) {
      sent.push(text);
      return null;
    },
    refused: (words) => void refusals.push(words),
  });
  return { shared, here, sent, refusals };
}

describe('V6 the shared clipboard', () => {
  it('sends what is here when the user turns to the screen, once', async () => {
    const { shared, sent } = world('granted');
    await shared.turnedTo(false);
    await shared.turnedTo(true);
    expect(sent).toEqual(['here']);
    shared.forget();
    await shared.turnedTo(false);
    expect(sent).toEqual(['here', 'here']);
  });

  it('asks for permission once, at a click; never where browsers ask at each reading', async () => {
    const asking = world('prompt');
    await asking.shared.turnedTo(false);
    expect(asking.here.reads).toBe(0);
    await asking.shared.turnedTo(true);
    await asking.shared.turnedTo(true);
    expect(asking.here.reads).toBe(1);
    for (const state of ['denied', 'no such permission'] as const) {
      const other = world(state);
      await other.shared.turnedTo(true);
      expect(other.here.reads).toBe(0);
    }
  });

  it('hands on what was copied in the desktop, later if need be, and does not send it back', async () => {
    const { shared, here, sent } = world('granted');
    here.writable = false;
    await shared.copied('there');
    expect(here.text).toBe('here');
    here.writable = true;
    await shared.turnedTo(false);
    expect(here.text).toBe('there');
    await shared.turnedTo(false);
    expect(sent).toEqual([]);
  });

  it('refuses in words what a desktop would drop, as it is on the wire', () => {
    const { shared, sent, refusals } = world('denied');
    expect(tooLong('x'.repeat(262_143))).toBeNull();
    // line ends and other characters have more bytes
    expect(tooLong('\n'.repeat(131_072))).toMatch(/has 257 KiB; .* takes 256 KiB/);
    expect(shared.pasted('日'.repeat(90_000))).toBe(false);
    expect(refusals).toEqual([expect.stringContaining('has 264 KiB')]);
    expect(sent).toEqual([]);
    expect(shared.pasted('short')).toBe(true);
    expect(sent).toEqual(['short']);
  });
});
