const steps: readonly (readonly [ms: number, unit: Intl.RelativeTimeFormatUnit])[] = [
  [31_536_000_000, 'year'],
  [2_592_000_000, 'month'],
  [604_800_000, 'week'],
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const keptMs = 30 * 86_400_000;

/** `just now`, `5 minutes ago`, `yesterday`. A time that lies ahead, of a clock that is off, is now. */
export function whenInWords(timestamp: string, now: number): string {
  const age = now - Date.parse(timestamp);
  if (Number.isNaN(age)) return 'at some time';
  for (const [ms, unit] of steps) if (age >= ms) return relative.format(-Math.floor(age / ms), unit);
  return 'just now';
}

/** How long a deleted dashboard can still be brought back (R9): `29 days left`. */
export function timeLeft(deleted: string, now: number): string {
  const days = Math.ceil((Date.parse(deleted) + keptMs - now) / 86_400_000);
  if (days > 1) return `${Math.min(days, 30)} days left`;
  return days === 1 ? 'less than a day left' : 'about to be gone';
}
