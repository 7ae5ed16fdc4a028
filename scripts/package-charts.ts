// Packages the charts: node scripts/run-ts.mjs scripts/package-charts.ts [FOLDER]. The same sources give the same bytes.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SOURCES } from '../manifests-src/src/charts/sources.ts';
import { archiveOf } from '../manifests-src/src/render/archive.ts';
import { chartFiles } from '../manifests-src/src/render/chart-files.ts';

const folder = process.argv[2] ?? 'dist/charts';
mkdirSync(folder, { recursive: true });
for (const source of SOURCES) {
  const archive = archiveOf(source.name, chartFiles(source), Number(process.env['SOURCE_DATE_EPOCH'] ?? 0));
  const file = join(folder, `${source.name}-${source.version}.tgz`);
  writeFileSync(file, archive);
  process.stdout.write(`${createHash('sha256').update(archive).digest('hex')}  ${file}\n`);
}
