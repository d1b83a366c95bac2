import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const css = readFileSync(join(import.meta.dirname, 'style.css'), 'utf8');
const tokens = new Map<string, readonly [light: string, dark: string]>();
for (const [, name, light, dark] of css.matchAll(/(--dw-[\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)) {
  if (name !== undefined && light !== undefined && dark !== undefined) tokens.set(name, [light, dark]);
}

/** WCAG 2 contrast, 1 to 21. */
function contrast(one: string, other: string): number {
  const [a = 0, b = 0] = [one, other].map(luminance).sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}

function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** An 8-bit mix, as `color-mix(in srgb, one 10%, other)` does it. */
function tint(one: string, other: string): string {
  const channel = (at: number) => {
    const value = Number.parseInt(one.slice(at, at + 2), 16) * 0.1 + Number.parseInt(other.slice(at, at + 2), 16) * 0.9;
    return Math.round(value).toString(16).padStart(2, '0');
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

const inks = ['text', 'muted', 'accent', 'ok', 'busy', 'attention', 'danger'];
const people = [0, 1, 2, 3, 4, 5, 6, 7].map((at) => `person${at}`);

describe.each([
  ['light', 0],
  ['dark', 1],
] as const)('%s', (_, theme) => {
  const color = (name: string) => {
    const found = tokens.get(`--dw-${name}`)?.[theme];
    if (found === undefined) throw new Error(`style.css has no --dw-${name}`);
    return found;
  };

  test.each(inks.flatMap((ink) => ['surface', 'raised', 'faint'].map((ground) => [ink, ground] as const)))(
    '%s on %s can be read (WCAG AA)',
    (ink, ground) => expect(contrast(color(ink), color(ground))).toBeGreaterThanOrEqual(4.5),
  );

  test.each(people)('a name on %s can be read', (person) =>
    expect(contrast(color('on-person'), color(person))).toBeGreaterThanOrEqual(4.5),
  );

  test('the text of a main button can be read', () =>
    expect(contrast(color('on-accent'), color('accent'))).toBeGreaterThanOrEqual(4.5));

  test.each(['attention', 'danger'])('%s on its own tint can be read, on a grey page too', (ink) => {
    for (const ground of [color('surface'), ['#f4f5f7', '#0e1116'][theme] ?? '']) {
      expect(contrast(color(ink), tint(color(ink), ground))).toBeGreaterThanOrEqual(4.5);
    }
  });
});

test('what moves takes at most 150 ms, and stands still if one wants that', () => {
  for (const [, ms] of css.matchAll(/(\d+)ms/g)) expect(Number(ms)).toBeLessThanOrEqual(150);
  const [, still] = css.match(/prefers-reduced-motion: reduce\) \{\s+:is\(([^)]*)\)/) ?? [];
  for (const [, rule] of css.matchAll(/\n(\.[\w-]+) \{[^}]*transition: [^n]/g)) expect(still).toContain(rule);
  expect(css).not.toContain('animation');
});

test('only its own classes and variables are touched', () => {
  const rules = css.replaceAll(/\/\*.*?\*\//gs, '').matchAll(/(?:^|\})\s*([^@{}]+)\{/g);
  for (const [, selector] of rules) expect(selector).toMatch(/dw-|:where\(:root\)/);
});
