const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const dayOnly = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

/** `14:05` */
export function clockOf(at: number): string {
  return clock.format(at);
}

/** Day and time. */
export function timeOf(at: number): string {
  return whole.format(at);
}

/** `Today`, `Yesterday`, or the date. */
export function dayOf(at: number, now: number): string {
  const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
  return days === 0 ? 'Today' : days === 1 ? 'Yesterday' : dayOnly.format(at);
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
