/** A length of time for people: “0.8 s”, “12 s”, “3 min 5 s”, “2 h 10 min”, “4 days”. */
export function durationText(ms: number): string {
  if (ms < 0) return durationText(0);
  if (ms < 10) return `${trim(ms, 1)} ms`;
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${trim(ms / 1000, ms < 950 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return two(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(hours, 'h', minutes % 60, 'min');
  const days = Math.floor(hours / 24);
  return days < 4 ? two(days, days === 1 ? 'day' : 'days', hours % 24, 'h') : `${days} days`;
}

/** “just now”, “12 s ago”, “3 min ago”: coarse for distant times. Both in milliseconds since 1970. */
export function ago(at: number, now: number): string {
  const ms = now - at;
  if (Number.isNaN(ms)) return 'never';
  if (ms < 2_000) return 'just now';
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s ago`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ago`;
  const days = Math.floor(ms / 86_400_000);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** Bytes: “512 MiB”, “2 GiB”, “1.5 TiB”. */
export function byteText(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${trim(value, value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** “0.5 CPU”, “1 CPU”, “2.5 CPUs”. */
export function cpus(count: number): string {
  return `${trim(count, 2)} ${count > 1 ? 'CPUs' : 'CPU'}`;
}

/** “1 session”, “3 sessions”. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** “2nd”, “11th”. */
export function ordinal(n: number): string {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${teen ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')}`;
}

function two(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
