import type { AuditPageEntry } from './page.ts';

const COLUMNS = [
  'seq',
  'at',
  'actor',
  'admin',
  'action',
  'subject',
  'owner',
  'result',
  'code',
  'address',
  'trace_id',
  'details',
  'hash',
] as const;

/** RFC 4180. What a spreadsheet would take for a formula begins with an apostrophe. */
export function toCsv(entries: readonly AuditPageEntry[]): string {
  const rows = entries.map(({ entry }) =>
    COLUMNS.map((column) => {
      const value = entry[column];
      return cell(value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));
    }).join(','),
  );
  return [COLUMNS.join(','), ...rows, ''].join('\r\n');
}

function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
