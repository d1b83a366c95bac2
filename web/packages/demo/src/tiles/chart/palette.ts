import { type Readable, Store } from '@dashwire/client';
import type { Status } from '../config.ts';

/** The colours of the theme as a canvas takes them. */
export interface Palette {
  readonly hues: readonly string[];
  readonly status: Readonly<Record<Status, string>>;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly surface: string;
  readonly font: string;
}

const hueCount = 8;

/** Which hue a line has: the ninth is as the first. */
export const hueOf = (series: number): string => `var(--dw-hue${series % hueCount})`;

let cached: { readonly at: number; readonly palette: Palette } | null = null;

/** The colours as they are now, read once for each change of the theme. */
export function palette(): Palette {
  const at = themeChanges.getSnapshot();
  if (cached?.at !== at) cached = { at, palette: read() };
  return cached.palette;
}

/** A canvas takes no CSS variables, and these take `light-dark()`: only an element can tell what they come to. */
function read(): Palette {
  const probe = document.createElement('span');
  document.body.append(probe);
  const style = getComputedStyle(probe);
  const ink = (name: string) => {
    probe.style.color = `var(--dw-${name}, currentColor)`;
    return style.color;
  };
  // Lines are told apart by their hue, also where the device puts its own colours in place of all others.
  probe.style.forcedColorAdjust = 'none';
  const hues = Array.from({ length: hueCount }, (_, i) => ink(`hue${i}`));
  probe.style.forcedColorAdjust = 'auto';
  const result: Palette = {
    hues,
    status: { ok: ink('ok'), busy: ink('busy'), attention: ink('attention'), danger: ink('danger') },
    text: ink('text'),
    muted: ink('muted'),
    line: ink('line'),
    surface: ink('surface'),
    font: style.fontFamily,
  };
  probe.remove();
  return result;
}

/** The same colour, let through; `none` where it is not written as expected. */
export function faded(color: string, alpha: number): string {
  const [, channels] = /^rgba?\(([^,)]+,[^,)]+,[^,)]+)/.exec(color) ?? [];
  return channels ? `rgba(${channels}, ${alpha})` : 'transparent';
}

/** Counts the changes of the theme. It listens while somebody does. */
export const themeChanges: Readable<number> = (() => {
  const store = new Store(0);
  const changed = () => store.set(store.getSnapshot() + 1);
  let stop: (() => void) | null = null;
  const start = () => {
    changed(); // whatever happened while nobody listened
    const root = new MutationObserver(changed);
    root.observe(document.documentElement, { attributeFilter: ['data-theme', 'class', 'style'] });
    const device = ['(prefers-color-scheme: dark)', '(forced-colors: active)'].map((query) => matchMedia(query));
    for (const one of device) one.addEventListener('change', changed);
    return () => {
      root.disconnect();
      for (const one of device) one.removeEventListener('change', changed);
    };
  };
  return {
    getSnapshot: store.getSnapshot,
    subscribe(listener) {
      stop ??= start();
      const end = store.subscribe(listener);
      return () => {
        end();
        if (store.watched > 0) return;
        stop?.();
        stop = null;
      };
    },
  };
})();
