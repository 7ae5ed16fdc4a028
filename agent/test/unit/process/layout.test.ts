import { basename, join, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { folderName, layout } from '../../../src/sessions/process/layout.ts';

describe('folderName', () => {
  it('never climbs out, is never too long, and never collides, whatever the text', () => {
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 256 }), (text) => {
        const name = folderName(text);
        expect(name).toMatch(/^[a-z0-9_%-]+$/);
        expect(name.length).toBeLessThanOrEqual(120);
        expect(join('/homes', name)).toBe(`/homes${sep}${name}`);
        expect(seen.get(name) ?? text).toBe(text);
        seen.set(name, text);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps what traverses or differs only in case apart', () => {
    const names = ['..', '.', '../..', '/etc', 'Ada', 'ada', 'ADA', 'a/b', 'a%2fb', 'a\\b', '\0'].map(folderName);
    expect(new Set(names).size).toBe(names.length);
    expect(folderName('ada')).toBe('ada');
    expect(folderName('..')).toBe('%2e%2e');
  });
});

describe('layout', () => {
  it('puts sockets beside the sessions while their paths fit into what the system takes', () => {
    expect(layout('/state', '/tmp').run('one', 3).control).toBe('/state/run/one.3/control');
  });

  it('moves sockets to a short folder when the state folder is a long path', () => {
    const long = layout(`/${'deep/'.repeat(20)}state`, '/tmp');
    for (const id of ['one', 'x'.repeat(63)]) {
      const { control, screen } = long.run(id, 123_456);
      expect(Buffer.byteLength(control)).toBeLessThanOrEqual(103);
      expect(Buffer.byteLength(screen)).toBeLessThanOrEqual(103);
      expect(control.startsWith('/tmp/streamspace-')).toBe(true);
    }
    expect(long.run('one', 1).folder).not.toBe(long.run('two', 1).folder);
    expect(basename(long.run('one', 7).folder)).toMatch(/\.7$/);
  });

  it('decides for all starts of a session alike', () => {
    for (let length = 20; length < 110; length++) {
      const place = layout(`/${'s'.repeat(length)}`, '/tmp');
      const folders = [0, 1, 99, 123_456].map((instance) =>
        place.run('some-session', instance).folder.replace(/\.\d+$/, ''),
      );
      expect(new Set(folders).size).toBe(1);
    }
  });
});
