import { beforeEach, expect, test } from 'vitest';
import { createPictures, type ScreenPicture, PICTURE_AGE_MS, type ScreenPictures } from '../../src/state/pictures.ts';

let now: number;
let asked: { id: string; answer: (picture: ScreenPicture | null) => void }[];
let kept: Map<string, string>;
let pictures: ScreenPictures;

beforeEach(() => {
  now = 1_000_000;
  asked = [];
  kept = new Map();
  pictures = create();
});

function create(): ScreenPictures {
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  return createPictures({
    storage: storage as unknown as Storage,
    now: () => now,
    taken: (id) =>
      new Promise((resolve, reject) => {
        asked.push({ id, answer: (picture) => (picture === null ? reject(new Error('none')) : resolve(picture)) });
      }),
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const ids = () => asked.map(({ id }) => id);

test('V9 a session’s picture is wanted of the hub once a minute, three at a time', async () => {
  for (const id of ['a', 'b', 'c', 'd', 'a']) pictures.want(id);
  expect(ids()).toEqual(['a', 'b', 'c']);
  asked[0]!.answer({ url: 'data:image/png,1', at: now });
  asked[1]!.answer(null);
  await turn();
  expect(ids()).toEqual(['a', 'b', 'c', 'd']);
  expect(pictures.all.value).toEqual(new Map([['a', { url: 'data:image/png,1', at: now }]]));
  now += PICTURE_AGE_MS - 1;
  pictures.want('a');
  pictures.want('b');
  expect(asked).toHaveLength(4);
  now += 1;
  pictures.want('a');
  pictures.want('b');
  await turn();
  expect(ids().slice(4)).toEqual(['a']);
});

test('V9 the newer of two pictures is shown: what this browser saw, or what an agent took', async () => {
  kept.set('streamspace.pictures', JSON.stringify([['a', { url: 'data:image/jpeg,seen', at: 500_000 }]]));
  pictures = create();
  const url = () => pictures.all.value.get('a')?.url;
  expect(url()).toBe('data:image/jpeg,seen');
  pictures.want('a');
  asked[0]!.answer({ url: 'data:image/png,older', at: 400_000 });
  await turn();
  expect(url()).toBe('data:image/jpeg,seen');
  now += PICTURE_AGE_MS;
  pictures.want('a');
  asked[1]!.answer({ url: 'data:image/png,newer', at: now });
  await turn();
  expect(url()).toBe('data:image/png,newer');
});

test('V9 nothing is left of them for who signs in next, and an answer that comes late is dropped', async () => {
  pictures.want('a');
  pictures.clear();
  asked[0]!.answer({ url: 'data:image/png,1', at: now });
  await turn();
  expect(pictures.all.value.size).toBe(0);
  pictures.want('a');
  expect(asked).toHaveLength(2);
});

test('V9 what an earlier version of the page kept does no harm', () => {
  kept.set('streamspace.pictures', JSON.stringify([['a', 'data:image/jpeg,old']]));
  expect(create().all.value.size).toBe(0);
});
