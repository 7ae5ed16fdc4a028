import { editDistance } from '@streamspace/settings/edit-distance';

/** Letters at the start that both have: abbreviations and other endings are meant too. */
function sharedStart(a: string, b: string): number {
  let shared = 0;
  while (shared < Math.min(a.length, b.length) && a[shared] === b[shared]) shared++;
  return shared;
}

/** The known name that is most like the given one, whatever its case. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, '');
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(plain(name), plain(candidate)) - sharedStart(plain(name), plain(candidate));
    if (best === undefined || distance < best.distance) best = { name: candidate, distance };
  }
  return best?.name;
}
