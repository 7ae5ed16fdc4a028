import { gzipSync } from 'node:zlib';

const BLOCK = 512;

/**
 * A chart as from `helm package`, but with the same bytes on every machine and at every time: sorted, no owner, one fixed time.
 * `epoch`: seconds, for SOURCE_DATE_EPOCH.
 */
export function archiveOf(name: string, files: ReadonlyMap<string, string>, epoch = 0): Buffer {
  const blocks = [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, text]) => {
      const content = Buffer.from(text);
      const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
      return [header(`${name}/${path}`, content.length, epoch), content, padding];
    });
  const zipped = gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]), { level: 9 });
  // the byte for the operating system
  zipped[9] = 255;
  return zipped;
}

function header(path: string, size: number, epoch: number): Buffer {
  if (Buffer.byteLength(path) > 99) throw new Error(`${path} is too long for an archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at);
  block.write(path, 0);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(epoch, 136, 12);
  block.fill(' ', 148, 156);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
